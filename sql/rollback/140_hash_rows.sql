-- Count and hash one range of rows, whatever their order.
-- kind: read
-- needs: SELECT on the table
-- names: table, hash, digest, key
-- values: after, upto
SELECT {hash}
FROM (
  -- With the LIMIT each digest is computed once; without it this table is merged into the outer one.
  SELECT {digest} AS digest FROM {table} WHERE {key} > :after AND {key} <= :upto LIMIT 18446744073709551615
) AS hashed
