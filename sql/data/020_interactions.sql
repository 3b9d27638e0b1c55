-- Read some interactions, newest id first, for rlops to check.
-- kind: check
-- needs: SELECT on user_product_interactions
-- values: last_id, limit
SELECT id, interaction_type, timestamp, context, reward
FROM user_product_interactions
WHERE id <= :last_id
ORDER BY id DESC
LIMIT :limit
