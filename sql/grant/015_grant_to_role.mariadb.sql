-- Give the declared privileges on one of the three tables to a role, which has no host on MariaDB.
-- kind: write
-- needs: GRANT OPTION on the table, and the privileges themselves
-- locks: nothing that the shop's statements wait for; waits itself for a backup lock
-- names: privileges, schema, table
-- values: user
GRANT {privileges} ON {schema}.{table} TO :user;
