-- Drop the foreign keys; the integrity triggers are in place by then. MariaDB partitions no table that has some (1217).
-- kind: write
-- needs: ALTER on the table
-- locks: the table and (MySQL) its parents, for a moment; the dictionary alone changes
-- algorithm: inplace
-- names: table, changes
ALTER TABLE {table} {changes}
