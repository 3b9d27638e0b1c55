CREATE TABLE `rl_model_metadata` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT COMMENT 'Surrogate key',
  `model_name` varchar(100) NOT NULL COMMENT 'Name of the model, unique with its version',
  `algorithm_type` varchar(50) NOT NULL COMMENT 'LINUCB, THOMPSON_SAMPLING or DQN',
  `version` varchar(20) NOT NULL COMMENT 'Version of the model',
  `is_active` tinyint(1) DEFAULT '0' COMMENT 'Whether the recommender serves this version',
  `training_date` datetime DEFAULT NULL COMMENT 'When the training ended',
  `performance_metrics` json DEFAULT NULL COMMENT 'ctr, conversion_rate, avg_reward, total_interactions, training_duration_seconds, accuracy, diversity_score',
  `model_path` varchar(500) DEFAULT NULL COMMENT 'Where the trained model is kept',
  `created_at` datetime NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'When the row was made',
  `created_by` bigint(20) DEFAULT NULL COMMENT 'User who triggered the training; no foreign key, so that the audit trail outlives the user',
  PRIMARY KEY (`id`),
  UNIQUE KEY `unique_model_version` (`model_name`, `version`) BLOCK_SIZE 16384 LOCAL,
  KEY `idx_algorithm_active` (`algorithm_type`, `is_active`) BLOCK_SIZE 16384 LOCAL,
  KEY `idx_training_date` (`training_date`) BLOCK_SIZE 16384 LOCAL
) ORGANIZATION INDEX AUTO_INCREMENT = 1 DEFAULT CHARSET = utf8mb4 ROW_FORMAT = DYNAMIC COMPRESSION = 'zstd_1.3.8' BLOCK_SIZE = 16384 TABLET_SIZE = 134217728 PCTFREE = 0 COMMENT = 'Trained models and their versions'
