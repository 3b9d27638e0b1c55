-- Add synthetic models, those that are not there yet. The rows come as one JSON array of arrays; TiDB has no JSON_TABLE.
-- kind: write
-- needs: INSERT on rl_model_metadata
-- locks: the new rows
-- values: rows
INSERT IGNORE INTO rl_model_metadata (`model_name`, `version`, `algorithm_type`, `is_active`, `training_date`, `performance_metrics`, `model_path`, `created_by`)
WITH RECURSIVE `given` AS (
  SELECT 0 AS `number`, JSON_EXTRACT(:rows, '$[0]') AS `row`
  UNION ALL
  SELECT `number` + 1, JSON_EXTRACT(:rows, CONCAT('$[', `number` + 1, ']')) FROM `given` WHERE `number` + 1 < JSON_LENGTH(:rows)
)
SELECT
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[0]')), 'null'),
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[1]')), 'null'),
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[2]')), 'null'),
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[3]')), 'null'),
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[4]')), 'null'),
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[5]')), 'null'),
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[6]')), 'null'),
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[7]')), 'null')
FROM `given`
WHERE `row` IS NOT NULL
