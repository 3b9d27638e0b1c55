-- Tell whether a hold table has a row.
-- kind: read
-- needs: SELECT on the hold table
-- names: hold
SELECT EXISTS (SELECT 1 FROM {hold}) AS found
