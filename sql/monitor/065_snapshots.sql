-- Read the newest recorded snapshot's time.
-- kind: read
-- needs: SELECT ON {schema}.`rlops_snapshot`
SELECT MAX(taken_at) AS taken_at FROM rlops_snapshot
