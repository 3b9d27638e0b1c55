-- Give the triggers' account what their bodies do, and nothing else.
-- kind: write
-- needs: GRANT OPTION on the table, and what is given
-- locks: nothing of the shop's
-- names: definer, privileges, table
GRANT {privileges} ON {table} TO {definer}
