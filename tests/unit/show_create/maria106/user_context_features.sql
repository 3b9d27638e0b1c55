CREATE TABLE `user_context_features` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT COMMENT 'Surrogate key',
  `user_id` bigint(20) NOT NULL COMMENT 'Whose features: users.id, one row a user',
  `feature_vector` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'demographics, purchase_history, engagement, recency, and feature_vector: 50 numbers' CHECK (json_valid(`feature_vector`)),
  `last_updated` datetime NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp() COMMENT 'When the features were computed',
  PRIMARY KEY (`id`),
  UNIQUE KEY `unique_user` (`user_id`),
  KEY `idx_last_updated` (`last_updated`),
  CONSTRAINT `fk_user_context_features_user` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='Precomputed user features, for fast inference'
