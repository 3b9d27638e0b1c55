-- Insert a trial row of features that is rolled back, for a user who must not exist.
-- kind: check
-- needs: INSERT on user_context_features
-- locks: nothing; the foreign key refuses the row
-- values: user_id
INSERT INTO user_context_features (id, user_id, feature_vector)
VALUES (-4611686018427387904, :user_id, '{"feature_vector": []}')
