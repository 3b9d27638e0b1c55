-- Hash the same range of both tables in one statement, which sees both at one moment.
-- kind: check
-- needs: SELECT on both tables
-- names: table, shadow, key_columns, hash
-- values: first, last
SELECT a.row_count AS rows_a, a.xor1 AS a1, a.xor2 AS a2, b.row_count AS rows_b, b.xor1 AS b1, b.xor2 AS b2,
       a.unhashed + b.unhashed AS unhashed
  FROM (SELECT {hash} FROM {table} WHERE {key_columns} > :first AND {key_columns} <= :last) AS a,
       (SELECT {hash} FROM {shadow} WHERE {key_columns} > :first AND {key_columns} <= :last) AS b
