-- Drop a table for what is set aside that the same run made and that has stayed empty.
-- kind: write
-- needs: DROP on the table for what is set aside
-- locks: that table, which nobody uses
-- names: set_aside
DROP TABLE IF EXISTS {set_aside}
