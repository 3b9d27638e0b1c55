-- Add synthetic models, those that are not there yet. The rows come as one JSON array of arrays.
-- kind: write
-- needs: INSERT on rl_model_metadata
-- locks: the new rows
-- values: rows
INSERT IGNORE INTO rl_model_metadata
  (`model_name`, `version`, `algorithm_type`, `is_active`, `training_date`, `performance_metrics`, `model_path`, `created_by`)
SELECT `model_name`, `version`, `algorithm_type`, `is_active`, `training_date`, `performance_metrics`, `model_path`, `created_by`
FROM JSON_TABLE(:rows, '$[*]' COLUMNS (
  `model_name` VARCHAR(100) PATH '$[0]',
  `version` VARCHAR(20) PATH '$[1]',
  `algorithm_type` VARCHAR(50) PATH '$[2]',
  `is_active` TINYINT PATH '$[3]',
  `training_date` DATETIME PATH '$[4]',
  `performance_metrics` VARCHAR(2000) PATH '$[5]',
  `model_path` VARCHAR(500) PATH '$[6]',
  `created_by` BIGINT PATH '$[7]'
)) AS `given`
