-- Drop a table of rlops' own making; every row of it is in the other table.
-- kind: write
-- needs: DROP on it
-- locks: it and (MySQL) its parents, for a moment
-- names: shadow
DROP TABLE IF EXISTS {shadow}
