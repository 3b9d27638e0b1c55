-- Estimate the interactions between two times by looking into the index at both ends, at any size in a moment.
-- kind: read
-- needs: SELECT ON {schema}.*
-- names: table, key
-- values: since, until
EXPLAIN SELECT 1 FROM {table} FORCE INDEX ({key}) WHERE `timestamp` >= :since AND `timestamp` < :until
