-- Put rows that the archive doesn't hold as they are back into the table.
-- kind: write
-- needs: SELECT on the hold table, INSERT on the table
-- locks: the rows, and their users and products against deletion
-- names: hold, table, columns
-- values: ids
INSERT INTO {table} ({columns}) SELECT {columns} FROM {hold} WHERE `id` IN :ids
