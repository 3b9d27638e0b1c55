-- Read some models, newest id first, for rlops to check.
-- kind: check
-- needs: SELECT on rl_model_metadata
-- values: last_id, limit
SELECT id, algorithm_type, training_date, performance_metrics, created_at
FROM rl_model_metadata
WHERE id <= :last_id
ORDER BY id DESC
LIMIT :limit
