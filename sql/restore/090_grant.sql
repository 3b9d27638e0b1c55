-- Give an account again what it held on the table when the backup was made.
-- kind: write
-- needs: GRANT OPTION on the table, and the privileges themselves
-- locks: nothing that the shop's statements wait for; waits itself for a backup lock
-- names: privileges, table
-- values: user, host
GRANT {privileges} ON {table} TO :user@:host
