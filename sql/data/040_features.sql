-- Read some features, newest id first, for rlops to check.
-- kind: check
-- needs: SELECT on user_context_features
-- values: last_id, limit
SELECT id, feature_vector, last_updated
FROM user_context_features
WHERE id <= :last_id
ORDER BY id DESC
LIMIT :limit
