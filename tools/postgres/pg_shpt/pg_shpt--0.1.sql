/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pg_shpt--0.1.sql - what CREATE EXTENSION pg_shpt makes */

\echo Use "CREATE EXTENSION pg_shpt" to load this file. \quit

CREATE FUNCTION pg_shpt_region(
	OUT backend text,
	OUT why text,
	OUT region_id bigint,
	OUT size_bytes bigint,
	OUT linked_bytes bigint,
	OUT page_table_bytes bigint,
	OUT unshared_page_table_bytes bigint,
	OUT guests bigint,
	OUT hosts jsonb,
	OUT faults_served bigint)
RETURNS record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

CREATE FUNCTION pg_shpt_process(
	OUT pid integer,
	OUT linked_chunks bigint,
	OUT linked_bytes bigint,
	OUT page_table_bytes bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE PARALLEL RESTRICTED;

CREATE FUNCTION pg_shpt_populate()
RETURNS bigint
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT VOLATILE PARALLEL UNSAFE;

CREATE VIEW pg_shpt_region AS SELECT * FROM pg_shpt_region();

CREATE VIEW pg_shpt_process AS SELECT * FROM pg_shpt_process();

COMMENT ON FUNCTION pg_shpt_region() IS
'what the view pg_shpt_region shows';
COMMENT ON FUNCTION pg_shpt_process() IS
'what the view pg_shpt_process shows';
COMMENT ON FUNCTION pg_shpt_populate() IS
'fills the page tables of the shared memory, and allocates its pages, ahead of use, as if each were written to: where page tables are shared, for all processes. Returns how many bytes that are. Can be cancelled; what is done stays done';

COMMENT ON VIEW pg_shpt_region IS
'the server''s shared memory, one row: what serves it and what its page tables take';
COMMENT ON COLUMN pg_shpt_region.backend IS
'what serves it: shpt, its page tables are shared by the module shpt; hugetlb, huge pages, and the kernel shares page tables; thp, an ordinary mapping with transparent huge pages; plain, an ordinary mapping';
COMMENT ON COLUMN pg_shpt_region.why IS
'why nothing better serves it, and what to do; null if nothing stands against it';
COMMENT ON COLUMN pg_shpt_region.region_id IS
'number of the region, as shptctl shows it and below /sys/class/misc/shpt/region; null if it is none';
COMMENT ON COLUMN pg_shpt_region.size_bytes IS
'size of the shared memory: shared_buffers and all else';
COMMENT ON COLUMN pg_shpt_region.linked_bytes IS
'bytes of it whose page tables are shared now with the session that asks; those of all processes are in pg_shpt_process; null with huge pages that the server asked for itself';
COMMENT ON COLUMN pg_shpt_region.page_table_bytes IS
'page tables of all processes of the server now, for all of their memory; those that are shared are counted once';
COMMENT ON COLUMN pg_shpt_region.unshared_page_table_bytes IS
'what page_table_bytes would be, at most, if each process had page tables of its own: as if it had touched every page that any process has, in the chunks that it has linked; null with hugetlb, of which the kernel does not tell';
COMMENT ON COLUMN pg_shpt_region.guests IS
'processes that map the region; null if it is none';
COMMENT ON COLUMN pg_shpt_region.hosts IS
'the sets of page tables that are shared, an array: access ("read", "write" or "sync"), NUMA node (null: any), page_table_bytes; null if it is no region';
COMMENT ON COLUMN pg_shpt_region.faults_served IS
'page faults of all processes that the shared page tables served so far; null if it is no region';

COMMENT ON VIEW pg_shpt_process IS
'the processes of the server, the postmaster included: what they share and what their own page tables take';
COMMENT ON COLUMN pg_shpt_process.pid IS
'process, as in pg_stat_activity';
COMMENT ON COLUMN pg_shpt_process.linked_chunks IS
'chunks (1 GiB) of the region through which it sees pages by shared page tables now; null if that cannot be told';
COMMENT ON COLUMN pg_shpt_process.linked_bytes IS
'bytes of the shared memory in these chunks';
COMMENT ON COLUMN pg_shpt_process.page_table_bytes IS
'its own page tables, for all of its memory, without those that are shared: VmPTE of /proc/PID/status';

REVOKE ALL ON FUNCTION pg_shpt_region(), pg_shpt_process(), pg_shpt_populate()
FROM PUBLIC;
REVOKE ALL ON pg_shpt_region, pg_shpt_process FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_shpt_region(), pg_shpt_process() TO pg_monitor;
GRANT SELECT ON pg_shpt_region, pg_shpt_process TO pg_monitor;
