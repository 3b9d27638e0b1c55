-- Add synthetic features of users who have none yet. The rows come as one JSON array of arrays.
-- kind: write
-- needs: INSERT on user_context_features
-- locks: the new rows, and their users against deletion
-- values: rows
INSERT IGNORE INTO user_context_features (`user_id`, `feature_vector`, `last_updated`)
SELECT `user_id`, `feature_vector`, `last_updated`
FROM JSON_TABLE(:rows, '$[*]' COLUMNS (
  `user_id` BIGINT PATH '$[0]',
  `feature_vector` VARCHAR(4000) PATH '$[1]',
  `last_updated` DATETIME PATH '$[2]'
)) AS `given`
