-- Rename the tables to their backups, all in one atomic statement: no row is lost and none is half-way.
-- kind: destroy
-- needs: ALTER and DROP on the tables, CREATE and INSERT on the backups
-- locks: the tables and (MySQL) their parents exclusively, for a moment at any size
-- algorithm: instant
-- names: renames
RENAME TABLE {renames}
