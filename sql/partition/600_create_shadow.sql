-- Create the shadow table that the rows are copied into while the shop goes on.
-- kind: write
-- needs: CREATE on the shadow, SELECT on the table
-- locks: nothing; the table is new
-- algorithm: new
-- names: shadow, table
CREATE TABLE {shadow} LIKE {table}
