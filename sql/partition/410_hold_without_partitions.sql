-- Take the partitions off the hold table, as an exchange wants it.
-- kind: write
-- needs: ALTER on the hold table
-- locks: nothing of the shop's
-- algorithm: new
-- names: hold
ALTER TABLE {hold} REMOVE PARTITIONING
