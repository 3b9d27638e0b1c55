-- Give the application account the declared privileges on one of the three tables. An account that doesn't exist is an error.
-- kind: write
-- needs: GRANT OPTION on the table, and the privileges themselves
-- locks: nothing that the shop's statements wait for; waits itself for a backup lock
-- names: privileges, schema, table
-- values: user, host
GRANT {privileges} ON {schema}.{table} TO :user@:host;
