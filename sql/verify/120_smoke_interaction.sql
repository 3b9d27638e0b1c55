-- Insert a trial interaction that is rolled back. Its id is given and negative, so that auto-increment does not move
-- (MariaDB 10.11 moves it by one all the same, the first time).
-- kind: check
-- needs: INSERT on user_product_interactions
-- locks: the parents' rows, shared, for milliseconds
-- values: user_id, product_id, interaction_type, reward
INSERT INTO user_product_interactions (id, user_id, product_id, interaction_type, session_id, context, reward)
VALUES (-4611686018427387904, :user_id, :product_id, :interaction_type, 'rlops-verify-smoke', '{"page": 1}', :reward)
