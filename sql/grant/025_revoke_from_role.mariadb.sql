-- Take from a role, which has no host on MariaDB, what it holds on one of the three tables beyond what is declared.
-- kind: destroy
-- needs: GRANT OPTION on the table, and the privileges themselves
-- locks: nothing that the shop's statements wait for; waits itself for a backup lock
-- names: privileges, schema, table
-- values: user
REVOKE {privileges} ON {schema}.{table} FROM :user;
