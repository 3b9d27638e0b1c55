-- Lock rows against writers, all of them before the first is copied, and none while another holds one: whoever never waits
-- while it holds locks is in no deadlock.
-- kind: read
-- needs: SELECT
-- names: table, condition
SELECT COUNT(*) AS n FROM {table} FORCE INDEX (PRIMARY) WHERE {condition} LOCK IN SHARE MODE NOWAIT
