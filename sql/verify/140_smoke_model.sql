-- Insert a trial model that is rolled back.
-- kind: check
-- needs: INSERT on rl_model_metadata
-- locks: the row
INSERT INTO rl_model_metadata (id, model_name, algorithm_type, version)
VALUES (-4611686018427387904, 'rlops-verify-smoke', 'LINUCB', 'rlops-smoke')
