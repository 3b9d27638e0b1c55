-- Whether there are rows of a day that no month has, such as 2024-03-00, which a copy in a strict session would refuse.
-- kind: read
-- needs: SELECT
-- names: table, condition
SELECT EXISTS (SELECT 1 FROM {table} WHERE {condition}) AS found
