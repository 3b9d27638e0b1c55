-- Create the table that a month is restored into, of the live table's shape.
-- kind: write
-- needs: CREATE, and SELECT on user_product_interactions
-- locks: nothing; the table is new
-- algorithm: new
-- names: table
CREATE TABLE {table} LIKE user_product_interactions
