-- The greatest id that there is.
-- kind: read
-- needs: SELECT
-- names: table, key_columns
SELECT MAX({key_columns}) AS last FROM {table}
