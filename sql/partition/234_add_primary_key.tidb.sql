-- Give the table its primary key, beside the order of storage. Partitions by the timestamp demand it in there (1503).
-- kind: write
-- needs: ALTER and INDEX on the table
-- locks: nothing; writers go on while the index is filled
-- algorithm: inplace
-- names: table, key_columns
ALTER TABLE {table} ADD PRIMARY KEY ({key_columns}) NONCLUSTERED
