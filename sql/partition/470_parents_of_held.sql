-- Read which parents some rows of the hold table name.
-- kind: read
-- needs: SELECT on the hold table
-- names: hold, column
-- values: ids
SELECT `id`, {column} AS parent FROM {hold} WHERE `id` IN :ids
