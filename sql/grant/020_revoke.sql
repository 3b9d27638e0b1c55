-- Take from the application account what it holds on one of the three tables beyond what is declared.
-- kind: destroy
-- needs: GRANT OPTION on the table, and the privileges themselves
-- locks: nothing that the shop's statements wait for; waits itself for a backup lock
-- names: privileges, schema, table
-- values: user, host
REVOKE {privileges} ON {schema}.{table} FROM :user@:host;
