-- Add synthetic interactions. The rows come as one JSON array of arrays; TiDB has no JSON_TABLE.
-- kind: write
-- needs: INSERT on user_product_interactions
-- locks: the new rows, and their users and products against deletion
-- values: rows
INSERT INTO user_product_interactions (`user_id`, `product_id`, `interaction_type`, `session_id`, `timestamp`, `context`, `reward`)
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
  NULLIF(JSON_UNQUOTE(JSON_EXTRACT(`row`, '$[6]')), 'null')
FROM `given`
WHERE `row` IS NOT NULL
