-- Find the first interaction between two times: one look along the index.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: table, key
-- values: since, until
SELECT MIN(`timestamp`) AS rlops_first FROM {table} FORCE INDEX ({key}) WHERE `timestamp` >= :since AND `timestamp` < :until
