-- Create the table that a backup is copied to, in another schema; without foreign keys and triggers.
-- kind: write
-- needs: CREATE on the other schema, SELECT on the backup
-- locks: nothing; the table is new
-- algorithm: new
-- names: copy, backup
CREATE TABLE {copy} LIKE {backup}
