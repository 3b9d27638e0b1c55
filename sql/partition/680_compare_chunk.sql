-- Hash the same range of both tables in one statement, which sees both at one moment.
-- kind: check
-- needs: SELECT on both tables
-- names: table, shadow, key_columns, hash
-- values: first, last
SELECT a.row_count AS rows_a, a.xor1 AS xor1_a, a.xor2 AS xor2_a, b.row_count AS rows_b, b.xor1 AS xor1_b, b.xor2 AS xor2_b,
       a.unhashed + b.unhashed AS unhashed
  FROM (SELECT {hash} FROM {table} WHERE {key_columns} > :first AND {key_columns} <= :last) AS a,
       (SELECT {hash} FROM {shadow} WHERE {key_columns} > :first AND {key_columns} <= :last) AS b
