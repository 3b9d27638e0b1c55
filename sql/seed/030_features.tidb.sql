-- Add synthetic features of users who have none yet. The rows come as one JSON array of arrays; TiDB has no JSON_TABLE.
-- kind: write
-- needs: INSERT on user_context_features
-- locks: the new rows, and their users against deletion
-- values: rows
INSERT IGNORE INTO user_context_features (`user_id`, `feature_vector`, `last_updated`)
WITH RECURSIVE `given` AS (
  SELECT 0 AS `number`, JSON_EXTRACT(:rows, '$[0]') AS `row`
  UNION ALL
  SELECT `number` + 1, JSON_EXTRACT(:rows, CONCAT('$[', `number` + 1, ']')) FROM `given` WHERE `number` + 1 < JSON_LENGTH(:rows)
)
SELECT
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[0]')), 'null'),
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[1]')), 'null'),
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[2]')), 'null')
FROM `given`
WHERE `row` IS NOT NULL
