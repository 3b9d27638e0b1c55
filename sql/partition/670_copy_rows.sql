-- Copy rows that are locked. What a trigger has written there already is as new or newer, and stays.
-- kind: write
-- needs: SELECT on the table, INSERT and UPDATE on the shadow
-- locks: these rows, for a fraction of a second
-- names: table, shadow, columns, key_columns, condition
INSERT INTO {shadow} ({columns})
SELECT {columns} FROM {table} AS rlops_source FORCE INDEX (PRIMARY)
 WHERE {condition} FOR SHARE NOWAIT
    ON DUPLICATE KEY UPDATE {shadow}.{key_columns} = {shadow}.{key_columns}
