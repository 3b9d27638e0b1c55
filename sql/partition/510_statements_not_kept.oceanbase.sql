-- Count the executions of statements that the server's record had no room for: its plan cache counts none.
-- kind: read
SELECT 0 AS n
