-- Drop the old table, which was kept as a way back; every row of it is in the new one.
-- kind: destroy
-- needs: DROP on it
-- locks: it and (MySQL) its parents, for a moment
-- names: old
DROP TABLE IF EXISTS {old}
