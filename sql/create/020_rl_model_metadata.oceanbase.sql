-- Create rl_model_metadata: trained models and their versions.
-- OceanBase's seekdb has no utf8mb4_unicode_ci (1273).
-- kind: write
-- needs: CREATE on the schema
-- locks: nothing; the table is new
-- algorithm: new
CREATE TABLE `rl_model_metadata` (
  `id` BIGINT NOT NULL AUTO_INCREMENT COMMENT 'Surrogate key',
  `model_name` VARCHAR(100) NOT NULL COMMENT 'Name of the model, unique with its version',
  `algorithm_type` VARCHAR(50) NOT NULL COMMENT 'LINUCB, THOMPSON_SAMPLING or DQN',
  `version` VARCHAR(20) NOT NULL COMMENT 'Version of the model',
  `is_active` BOOLEAN NULL DEFAULT FALSE COMMENT 'Whether the recommender serves this version',
  `training_date` DATETIME NULL DEFAULT NULL COMMENT 'When the training ended',
  `performance_metrics` JSON NULL COMMENT 'ctr, conversion_rate, avg_reward, total_interactions, training_duration_seconds, accuracy, diversity_score',
  `model_path` VARCHAR(500) NULL DEFAULT NULL COMMENT 'Where the trained model is kept',
  `created_at` DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT 'When the row was made',
  `created_by` BIGINT NULL DEFAULT NULL COMMENT 'User who triggered the training; no foreign key, so that the audit trail outlives the user',
  PRIMARY KEY (`id`),
  UNIQUE INDEX `unique_model_version` (`model_name`, `version`),
  INDEX `idx_algorithm_active` (`algorithm_type`, `is_active`),
  INDEX `idx_training_date` (`training_date`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci
  COMMENT='Trained models and their versions';
