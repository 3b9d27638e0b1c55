-- Create user_context_features: precomputed user features, for fast inference.
-- OceanBase's seekdb has no utf8mb4_unicode_ci (1273).
-- kind: write
-- needs: CREATE on the schema, REFERENCES on users
-- locks: (MySQL) its parents, for a moment
-- algorithm: new
CREATE TABLE `user_context_features` (
  `id` BIGINT NOT NULL AUTO_INCREMENT COMMENT 'Surrogate key',
  `user_id` BIGINT NOT NULL COMMENT 'Whose features: users.id, one row a user',
  `feature_vector` JSON NOT NULL COMMENT 'demographics, purchase_history, engagement, recency, and feature_vector: 50 numbers',
  `last_updated` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP COMMENT 'When the features were computed',
  PRIMARY KEY (`id`),
  UNIQUE INDEX `unique_user` (`user_id`),
  INDEX `idx_last_updated` (`last_updated`),
  CONSTRAINT `fk_user_context_features_user`
    FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci
  COMMENT='Precomputed user features, for fast inference';
