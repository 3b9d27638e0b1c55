-- Give the backups the tables' names again, all in one atomic statement.
-- kind: write
-- needs: ALTER and DROP on the backups, CREATE and INSERT on the tables
-- locks: the tables and (MySQL) their parents exclusively, for a moment at any size
-- algorithm: instant
-- names: renames
RENAME TABLE {renames}
