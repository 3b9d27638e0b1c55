-- Read the ids of all models, to compare with those that were recorded. The table is small: a row a training.
-- kind: check
-- needs: SELECT on rl_model_metadata
SELECT id FROM rl_model_metadata ORDER BY id
