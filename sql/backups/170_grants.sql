-- Read the privileges that accounts hold on these very tables.
-- kind: read
-- needs: SELECT on the schema mysql, to see other accounts' privileges
-- values: schema, tables
SELECT TABLE_NAME AS table_name, GRANTEE AS grantee, PRIVILEGE_TYPE AS privilege, IS_GRANTABLE AS grantable
FROM information_schema.TABLE_PRIVILEGES
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME IN :tables
ORDER BY table_name, grantee, privilege
