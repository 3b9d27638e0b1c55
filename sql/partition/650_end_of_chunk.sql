-- The id at which the next chunk ends, and how many rows it has.
-- kind: read
-- needs: SELECT
-- names: table, key_columns
-- values: last_id, limit
SELECT MAX(id) AS last, COUNT(*) AS n
  FROM (SELECT {key_columns} AS id FROM {table} WHERE {key_columns} > :last_id ORDER BY {key_columns} LIMIT :limit) AS rlops_chunk
