-- Let the table count on from past the ids of a month that was taken out, so that none of them is given again.
-- kind: write
-- needs: ALTER on the table
-- locks: the table, for a moment
-- algorithm: inplace
-- names: table
-- values: value
ALTER TABLE {table} AUTO_INCREMENT = :value
