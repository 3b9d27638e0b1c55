CREATE TABLE `user_context_features` (
  `id` bigint NOT NULL AUTO_INCREMENT COMMENT 'Surrogate key',
  `user_id` bigint NOT NULL COMMENT 'Whose features: users.id, one row a user',
  `feature_vector` json NOT NULL COMMENT 'demographics, purchase_history, engagement, recency, and feature_vector: 50 numbers',
  `last_updated` datetime NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP COMMENT 'When the features were computed',
  PRIMARY KEY (`id`) /*T![clustered_index] CLUSTERED */,
  UNIQUE KEY `unique_user` (`user_id`),
  KEY `idx_last_updated` (`last_updated`),
  CONSTRAINT `fk_user_context_features_user` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='Precomputed user features, for fast inference'
