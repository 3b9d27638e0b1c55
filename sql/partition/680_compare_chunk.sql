-- Count a range of both tables, and its rows that are the same in both, byte for byte, all at one moment.
-- kind: check
-- needs: SELECT on both tables
-- names: table, shadow, key_columns, time_column, condition
-- values: first, last
SELECT COUNT(*) AS rows_a,
       (SELECT COUNT(*) FROM {shadow} FORCE INDEX (PRIMARY) WHERE {key_columns} > :first AND {key_columns} <= :last) AS rows_b,
       COUNT(IF(b.{key_columns} IS NOT NULL AND {condition}, 1, NULL)) AS same
  FROM {table} AS a FORCE INDEX (PRIMARY)
  LEFT JOIN {shadow} AS b FORCE INDEX (PRIMARY)
    ON b.{key_columns} = a.{key_columns} AND b.{time_column} = a.{time_column}
 WHERE a.{key_columns} > :first AND a.{key_columns} <= :last
