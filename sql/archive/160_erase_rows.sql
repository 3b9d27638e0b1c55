-- Erase the rows of a range whose user or product is one of these.
-- kind: destroy
-- needs: SELECT and DELETE on the table
-- locks: the range's rows
-- names: table, key, column
-- values: after, upto, ids
DELETE FROM {table} WHERE {key} > :after AND {key} <= :upto AND {column} IN :ids
