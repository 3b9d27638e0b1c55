-- Some ids of a parent table, for rows that refer to it.
-- kind: read
-- needs: SELECT on users and product
-- names: parent
-- values: limit
SELECT `id` FROM {parent} ORDER BY `id` LIMIT :limit
