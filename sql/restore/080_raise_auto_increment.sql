-- Raise the table's counter, so that ids of rows that are kept elsewhere are not given again.
-- kind: write
-- needs: ALTER on the table
-- locks: the table, for a moment; nothing is copied
-- algorithm: inplace
-- names: table
-- values: next_id
ALTER TABLE {table} AUTO_INCREMENT = :next_id
