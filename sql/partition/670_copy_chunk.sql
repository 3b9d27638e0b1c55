-- Copy a chunk whose rows are locked. What a trigger has written there already is as new or newer, and stays.
-- kind: write
-- needs: SELECT on the table, INSERT and UPDATE on the shadow
-- locks: the chunk's rows, for a fraction of a second
-- names: table, shadow, columns, key_columns
-- values: first, last
INSERT INTO {shadow} ({columns})
SELECT {columns} FROM {table} AS rlops_source FORCE INDEX (PRIMARY)
 WHERE {key_columns} > :first AND {key_columns} <= :last FOR SHARE NOWAIT
    ON DUPLICATE KEY UPDATE {shadow}.{key_columns} = {shadow}.{key_columns}
