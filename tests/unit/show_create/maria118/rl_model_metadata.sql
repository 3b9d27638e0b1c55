CREATE TABLE `rl_model_metadata` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT COMMENT 'Surrogate key',
  `model_name` varchar(100) NOT NULL COMMENT 'Name of the model, unique with its version',
  `algorithm_type` varchar(50) NOT NULL COMMENT 'LINUCB, THOMPSON_SAMPLING or DQN',
  `version` varchar(20) NOT NULL COMMENT 'Version of the model',
  `is_active` tinyint(1) DEFAULT 0 COMMENT 'Whether the recommender serves this version',
  `training_date` datetime DEFAULT NULL COMMENT 'When the training ended',
  `performance_metrics` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL COMMENT 'ctr, conversion_rate, avg_reward, total_interactions, training_duration_seconds, accuracy, diversity_score' CHECK (json_valid(`performance_metrics`)),
  `model_path` varchar(500) DEFAULT NULL COMMENT 'Where the trained model is kept',
  `created_at` datetime NOT NULL DEFAULT current_timestamp() COMMENT 'When the row was made',
  `created_by` bigint(20) DEFAULT NULL COMMENT 'User who triggered the training; no foreign key, so that the audit trail outlives the user',
  PRIMARY KEY (`id`),
  UNIQUE KEY `unique_model_version` (`model_name`,`version`),
  KEY `idx_algorithm_active` (`algorithm_type`,`is_active`),
  KEY `idx_training_date` (`training_date`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='Trained models and their versions'
