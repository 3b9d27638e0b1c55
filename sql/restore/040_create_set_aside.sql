-- Create the table in which rows are kept whose user or product has gone since the backup was made.
-- kind: write
-- needs: CREATE
-- locks: nothing; the table is new
-- algorithm: new
-- names: set_aside, backup
CREATE TABLE {set_aside} LIKE {backup}
