-- Exchange a month with the empty hold table: its rows leave the table without a copy, and can be exchanged back.
-- kind: destroy
-- needs: ALTER, CREATE, DROP and INSERT on both tables
-- locks: the table, for a moment at any size
-- algorithm: instant
-- names: table, partition, hold
ALTER TABLE {table} EXCHANGE PARTITION {partition} WITH TABLE {hold}
