-- Put rows back that the archive holds.
-- kind: write
-- needs: INSERT
-- locks: the new rows, and their users and products against deletion
-- names: table, columns, rows
INSERT INTO {table} ({columns}) VALUES {rows}
