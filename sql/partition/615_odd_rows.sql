-- Whether there are rows that a copy in a strict session would change or refuse: zero dates, and the id 0.
-- kind: read
-- needs: SELECT
-- names: table, column, key
-- values: first
SELECT EXISTS (SELECT 1 FROM {table} WHERE {column} < :first) OR EXISTS (SELECT 1 FROM {table} WHERE {key} = 0) AS found
