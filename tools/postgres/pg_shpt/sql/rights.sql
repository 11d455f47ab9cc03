-- pg_monitor may look, others may not; to populate takes more.
CREATE ROLE regress_pg_shpt_other;
CREATE ROLE regress_pg_shpt_monitor IN ROLE pg_monitor;

SET ROLE regress_pg_shpt_other;
SELECT count(*) FROM pg_shpt_region;
SELECT count(*) FROM pg_shpt_process;
SELECT count(*) FROM pg_shpt_region();
SELECT count(*) FROM pg_shpt_process();
SELECT pg_shpt_populate();

SET ROLE regress_pg_shpt_monitor;
SELECT count(*) FROM pg_shpt_region;
SELECT count(*) > 1 AS processes FROM pg_shpt_process;
SELECT count(*) FROM pg_shpt_region();
SELECT pg_shpt_populate();

RESET ROLE;
DROP ROLE regress_pg_shpt_other, regress_pg_shpt_monitor;

-- It can move, and nothing is left of it.
CREATE SCHEMA monitoring;
ALTER EXTENSION pg_shpt SET SCHEMA monitoring;
SELECT count(*) FROM monitoring.pg_shpt_region;
DROP EXTENSION pg_shpt;
DROP SCHEMA monitoring;
SELECT proname FROM pg_proc WHERE proname LIKE 'pg\_shpt%';
