-- Count and hash the rows of a range that are about to be erased.
-- kind: check
-- needs: SELECT on the table
-- names: table, key, column, hash
-- values: after, upto, ids
SELECT {hash} FROM {table} WHERE {key} > :after AND {key} <= :upto AND {column} IN :ids
