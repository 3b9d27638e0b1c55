CREATE TABLE `rl_model_metadata` (
  `id` bigint NOT NULL AUTO_INCREMENT COMMENT 'Surrogate key',
  `model_name` varchar(100) COLLATE utf8mb4_unicode_ci NOT NULL COMMENT 'Name of the model, unique with its version',
  `algorithm_type` varchar(50) COLLATE utf8mb4_unicode_ci NOT NULL COMMENT 'LINUCB, THOMPSON_SAMPLING or DQN',
  `version` varchar(20) COLLATE utf8mb4_unicode_ci NOT NULL COMMENT 'Version of the model',
  `is_active` tinyint(1) DEFAULT '0' COMMENT 'Whether the recommender serves this version',
  `training_date` datetime DEFAULT NULL COMMENT 'When the training ended',
  `performance_metrics` json DEFAULT NULL COMMENT 'ctr, conversion_rate, avg_reward, total_interactions, training_duration_seconds, accuracy, diversity_score',
  `model_path` varchar(500) COLLATE utf8mb4_unicode_ci DEFAULT NULL COMMENT 'Where the trained model is kept',
  `created_at` datetime NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'When the row was made',
  `created_by` bigint DEFAULT NULL COMMENT 'User who triggered the training; no foreign key, so that the audit trail outlives the user',
  PRIMARY KEY (`id`) /*T![clustered_index] CLUSTERED */,
  UNIQUE KEY `unique_model_version` (`model_name`,`version`),
  KEY `idx_algorithm_active` (`algorithm_type`,`is_active`),
  KEY `idx_training_date` (`training_date`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='Trained models and their versions'
