-- Lock those of the rows that are there already, and hash them.
-- kind: check
-- needs: SELECT, and UPDATE or DELETE
-- locks: the rows
-- names: table, digest
-- values: ids
SELECT `id`, {digest} AS digest FROM {table} WHERE `id` IN :ids FOR UPDATE
