-- Drop a hold table whose time is up: its rows are gone for good.
-- kind: destroy
-- needs: DROP on the hold table
-- locks: nothing of the shop's
-- names: hold
DROP TABLE {hold}
