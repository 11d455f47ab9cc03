-- The server's processes: the postmaster, who serves us, and the others.
SELECT count(*) FROM pg_shpt_process
WHERE pid = split_part(pg_read_file('postmaster.pid'), E'\n', 1)::integer;
SELECT count(*) FROM pg_shpt_process WHERE pid = pg_backend_pid();
SELECT backend_type FROM pg_stat_activity JOIN pg_shpt_process USING (pid)
WHERE backend_type IN ('background writer', 'checkpointer', 'walwriter')
ORDER BY 1;
SELECT count(*) - count(DISTINCT pid) AS twice FROM pg_shpt_process;

SELECT bool_and(page_table_bytes > 0) AS page_tables,
  bool_and((linked_chunks > 0) = (linked_bytes > 0)) AS linked,
  bool_or(linked_chunks > 0) = (SELECT backend = 'shpt' FROM pg_shpt_region)
    AS any_linked
FROM pg_shpt_process;

-- The same by another way.
SELECT abs(page_table_bytes - 1024 * substring(
    pg_read_file('/proc/self/status') FROM 'VmPTE:\s+(\d+)')::bigint) <= 65536
  AS own_page_tables
FROM pg_shpt_process WHERE pid = pg_backend_pid();
SELECT backend = 'shpt' OR r.page_table_bytes BETWEEN p.sum / 2 AND p.sum * 2
  AS all_page_tables
FROM pg_shpt_region AS r,
  (SELECT sum(page_table_bytes) FROM pg_shpt_process) AS p;
