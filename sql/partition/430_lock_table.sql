-- Hold writers back for the moment between looking whether a month is empty and dropping it.
-- kind: write
-- needs: LOCK TABLES and SELECT
-- locks: the table, for a moment
-- names: table
LOCK TABLES {table} WRITE
