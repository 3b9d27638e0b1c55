-- Read the times of the oldest and the newest interaction, from both ends of the index.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: table, key
-- values: -
SELECT MIN(`timestamp`) AS rlops_oldest, MAX(`timestamp`) AS newest FROM {table} FORCE INDEX ({key})
