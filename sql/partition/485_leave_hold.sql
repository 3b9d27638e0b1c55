-- Take the rows out of the hold table that were put back.
-- kind: destroy
-- needs: SELECT and DELETE on the hold table
-- locks: the rows, in a table of rlops' own
-- names: hold
-- values: ids
DELETE FROM {hold} WHERE `id` IN :ids
