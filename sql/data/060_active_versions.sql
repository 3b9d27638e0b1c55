-- Find models with two active versions or more. The table is small: a row a training.
-- kind: check
-- needs: SELECT on rl_model_metadata
SELECT MIN(model_name) AS model_name, COUNT(*) AS versions, MIN(id) AS first_id, MAX(id) AS last_id
FROM rl_model_metadata
WHERE is_active
GROUP BY model_name
HAVING COUNT(*) > 1
ORDER BY model_name
