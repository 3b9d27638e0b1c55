-- Take from the triggers' account what it held on a table that is gone.
-- kind: write
-- needs: GRANT OPTION on the table
-- locks: nothing of the shop's
-- names: definer, privileges, table
REVOKE {privileges} ON {table} FROM {definer}
