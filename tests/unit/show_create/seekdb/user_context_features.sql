CREATE TABLE `user_context_features` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT COMMENT 'Surrogate key',
  `user_id` bigint(20) NOT NULL COMMENT 'Whose features: users.id, one row a user',
  `feature_vector` json NOT NULL COMMENT 'demographics, purchase_history, engagement, recency, and feature_vector: 50 numbers',
  `last_updated` datetime NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP COMMENT 'When the features were computed',
  PRIMARY KEY (`id`),
  CONSTRAINT `fk_user_context_features_user` FOREIGN KEY (`user_id`) REFERENCES `shop`.`users`(`id`) ON UPDATE RESTRICT ON DELETE CASCADE ,
  UNIQUE KEY `unique_user` (`user_id`) BLOCK_SIZE 16384 LOCAL,
  KEY `idx_last_updated` (`last_updated`) BLOCK_SIZE 16384 LOCAL
) ORGANIZATION INDEX AUTO_INCREMENT = 1 DEFAULT CHARSET = utf8mb4 ROW_FORMAT = DYNAMIC COMPRESSION = 'zstd_1.3.8' BLOCK_SIZE = 16384 TABLET_SIZE = 134217728 PCTFREE = 0 COMMENT = 'Precomputed user features, for fast inference'
