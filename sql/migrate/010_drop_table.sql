-- Drop one of the three tables with all its rows; only `migrate --fresh`, only in development.
-- kind: destroy
-- needs: DROP on the table
-- locks: the table and its parents, for a moment
-- names: table
DROP TABLE {table}
