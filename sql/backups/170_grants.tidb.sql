-- Read the privileges that accounts hold on these very tables. TiDB's information_schema.TABLE_PRIVILEGES is always empty.
-- kind: read
-- needs: SELECT on the schema mysql, to see other accounts' privileges
-- values: schema, tables
SELECT
  g.Table_name AS table_name, CONCAT('''', g.User, '''@''', g.Host, '''') AS grantee, p.name AS privilege,
  IF(FIND_IN_SET('GRANT', UPPER(g.Table_priv)), 'YES', 'NO') AS grantable
FROM mysql.tables_priv AS g
JOIN (
  SELECT 'SELECT' AS name UNION ALL SELECT 'INSERT' UNION ALL SELECT 'UPDATE' UNION ALL SELECT 'DELETE' UNION ALL SELECT 'CREATE'
  UNION ALL SELECT 'DROP' UNION ALL SELECT 'REFERENCES' UNION ALL SELECT 'INDEX' UNION ALL SELECT 'ALTER'
  UNION ALL SELECT 'CREATE VIEW' UNION ALL SELECT 'SHOW VIEW' UNION ALL SELECT 'TRIGGER'
) AS p ON FIND_IN_SET(p.name, UPPER(g.Table_priv))
WHERE g.DB = :schema AND g.Table_name IN :tables
ORDER BY table_name, grantee, privilege
