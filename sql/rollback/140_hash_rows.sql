-- Count and hash one range of rows, whatever their order.
-- kind: read
-- needs: SELECT on the table
-- names: table, hash, key
-- values: after, upto
SELECT {hash} FROM {table} WHERE {key} > :after AND {key} <= :upto
