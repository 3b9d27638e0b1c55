-- Find which of these parents are there, and keep them from being deleted until the rows that refer to them are back.
-- kind: check
-- needs: SELECT on the parent
-- locks: the parents, shared
-- names: parent, parent_key
-- values: ids
SELECT {parent_key} AS id FROM {parent} WHERE {parent_key} IN :ids LOCK IN SHARE MODE
