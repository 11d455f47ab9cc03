-- The server's shared memory. check-pg_shpt starts servers in several ways and
-- says in pg_shpt_test.* what each has to find; elsewhere anything is right.
SELECT count(*) FROM pg_shpt_region;
SELECT backend = coalesce(current_setting('pg_shpt_test.backend', true), backend)
    AS backend,
  coalesce(why, '') LIKE
    coalesce(current_setting('pg_shpt_test.why', true), coalesce(why, ''))
    AS why
FROM pg_shpt_region;

SELECT size_bytes BETWEEN pg_size_bytes(current_setting('shared_buffers'))
    AND 2 * pg_size_bytes(current_setting('shared_buffers')) + 1e8 AS size,
  linked_bytes NOT BETWEEN 0 AND size_bytes IS NOT TRUE AS linked
FROM pg_shpt_region;

-- What is told of a region there is with shpt, and only then.
SELECT (backend = 'shpt') = (region_id > 0 IS TRUE) AS region_id,
  (backend = 'shpt') = (guests > 0 IS TRUE) AS guests,
  (backend = 'shpt') = (hosts -> 0 ? 'node' IS TRUE) AS hosts,
  (backend = 'shpt') = (faults_served > 0 IS TRUE) AS faults_served,
  CASE backend WHEN 'shpt' THEN linked_bytes > 0 WHEN 'hugetlb' THEN true
    ELSE linked_bytes = 0 END AS linked
FROM pg_shpt_region;

-- The hosts node by node, as the module lists them.
SELECT coalesce((
    SELECT string_agg(concat(host ->> 'access', ' ',
        coalesce(host ->> 'node', '-1'), ';'), '' ORDER BY n)
    FROM jsonb_array_elements(hosts) WITH ORDINALITY AS h(host, n)), '') =
  coalesce(regexp_replace(pg_read_file(
      '/sys/class/misc/shpt/region/' || region_id || '/nodes'),
    ' \d+\n', ';', 'g'), '') AS by_node
FROM pg_shpt_region;

SELECT page_table_bytes > 0 AS page_tables,
  backend IN ('shpt', 'hugetlb') OR page_table_bytes = unshared_page_table_bytes
    AS unshared
FROM pg_shpt_region;
