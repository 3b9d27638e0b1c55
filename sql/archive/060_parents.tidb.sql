-- Find which of these parents are there, and keep them from being deleted until the rows that refer to them are back.
-- TiDB has no shared row locks (1235, or silently none).
-- kind: check
-- needs: SELECT and UPDATE or DELETE on the parent
-- locks: the parents; who updates one waits
-- names: parent, parent_key
-- values: ids
SELECT {parent_key} AS id FROM {parent} WHERE {parent_key} IN :ids FOR UPDATE
