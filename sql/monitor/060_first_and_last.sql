-- Read the times of the oldest and the newest interaction, from both ends of the index; those before 1000 stand for no date.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: table, key
-- values: -
SELECT MIN(`timestamp`) AS rlops_oldest, MAX(`timestamp`) AS newest FROM {table} FORCE INDEX ({key}) WHERE `timestamp` >= '1000-01-01'
