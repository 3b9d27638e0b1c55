-- Create the empty table that a month's rows are exchanged into.
-- kind: write
-- needs: CREATE on the schema
-- locks: nothing; the table is new
-- algorithm: new
-- names: hold, table
CREATE TABLE {hold} LIKE {table}
