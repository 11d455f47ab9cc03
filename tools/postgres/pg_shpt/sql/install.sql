-- What CREATE EXTENSION makes, all of it with a comment.
CREATE EXTENSION pg_shpt;
SELECT extversion, extrelocatable FROM pg_extension WHERE extname = 'pg_shpt';
SELECT version FROM pg_available_extension_versions WHERE name = 'pg_shpt';
SELECT * FROM pg_extension_update_paths('pg_shpt');
ALTER EXTENSION pg_shpt UPDATE;

SELECT attrelid::regclass AS view, attname, atttypid::regtype
FROM pg_attribute
WHERE attrelid IN ('pg_shpt_region'::regclass, 'pg_shpt_process'::regclass)
ORDER BY attrelid::regclass::text DESC, attnum;

SELECT attrelid::regclass AS view, attname AS without_comment
FROM pg_attribute
WHERE attrelid IN ('pg_shpt_region'::regclass, 'pg_shpt_process'::regclass)
  AND col_description(attrelid, attnum) IS NULL;

SELECT pg_describe_object(classid, objid, 0),
  obj_description(objid, classid::regclass::name) IS NOT NULL AS has_comment
FROM pg_depend
WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_shpt')
  AND deptype = 'e' AND classid IN ('pg_class'::regclass, 'pg_proc'::regclass)
ORDER BY 1;
