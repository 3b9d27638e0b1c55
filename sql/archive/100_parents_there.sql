-- Find which of these parents are there.
-- kind: check
-- needs: SELECT on the parent
-- names: parent, parent_key
-- values: ids
SELECT {parent_key} AS id FROM {parent} WHERE {parent_key} IN :ids
