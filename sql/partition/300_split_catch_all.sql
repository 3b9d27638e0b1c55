-- Split months off the catch-all partition, which is empty: a moment. With rows in it this would copy them and stop writers.
-- kind: write
-- needs: ALTER, CREATE, DROP and INSERT on the table
-- locks: the table, for a moment
-- algorithm: inplace
-- names: table, partition, partitions
ALTER TABLE {table} REORGANIZE PARTITION {partition} INTO ({partitions})
