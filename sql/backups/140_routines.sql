-- Read the schema's procedures and functions, to find those that mention the tables.
-- kind: read
-- needs: SHOW_ROUTINE on MySQL, SELECT on mysql.proc on MariaDB, to see the text of other accounts' routines
-- values: schema
SELECT ROUTINE_NAME AS name, ROUTINE_TYPE AS type, ROUTINE_DEFINITION AS text
FROM information_schema.ROUTINES
WHERE ROUTINE_SCHEMA = :schema
