-- Drop one of rlops' own tables.
-- kind: destroy
-- needs: DROP on rlops' own tables
-- locks: nothing of the shop's
-- names: table
DROP TABLE IF EXISTS {table}
