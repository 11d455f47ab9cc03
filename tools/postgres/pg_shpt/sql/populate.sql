-- What the library serves can be populated, and nothing else.
SET client_min_messages = warning;
DO $$
DECLARE
  expected boolean = current_setting('pg_shpt_test.served', true);
  memory record;
  populated bigint;
  written bigint;
BEGIN
  SELECT * INTO memory FROM pg_shpt_region;
  BEGIN
    populated = pg_shpt_populate();
  EXCEPTION WHEN object_not_in_prerequisite_state THEN
    IF sqlerrm NOT LIKE '%: ' || memory.why THEN
      RAISE 'refused, but not because of: %', memory.why;
    END IF;
  END;
  IF expected <> (populated IS NOT NULL) THEN
    RAISE 'served is %, populated %', expected, populated;
  END IF;
  IF populated <> memory.size_bytes THEN
    RAISE 'populated % of %', populated, memory.size_bytes;
  END IF;
  -- Pages that a host has mapped no process counts.
  SELECT 1024 * sum(kib[1]::bigint) INTO written
  FROM regexp_matches(pg_read_file('/proc/self/smaps_rollup'),
                      '_Dirty:\s+(\d+)', 'g') AS kib;
  IF memory.backend IN ('plain', 'thp') AND written < 0.98 * populated THEN
    RAISE 'populated %, and % are as if written to', populated, written;
  END IF;
END
$$;
