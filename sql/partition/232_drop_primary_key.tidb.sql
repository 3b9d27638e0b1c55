-- Drop the primary key, before the table gets another one: TiDB takes no two changes of it in one statement (1068).
-- kind: write
-- needs: ALTER and INDEX on the table
-- locks: nothing; writers go on
-- algorithm: inplace
-- names: table
ALTER TABLE {table} DROP PRIMARY KEY
