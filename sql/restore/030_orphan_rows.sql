-- Find the next rows of a backup whose parent is gone, and lock them.
-- kind: check
-- needs: SELECT and DELETE on the backup
-- names: backup, column
-- values: parents, limit
SELECT id FROM {backup} WHERE {column} IN :parents ORDER BY id LIMIT :limit FOR UPDATE
