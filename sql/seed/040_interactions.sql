-- Add synthetic interactions. The rows come as one JSON array of arrays.
-- kind: write
-- needs: INSERT on user_product_interactions
-- locks: the new rows, and their users and products against deletion
-- values: rows
INSERT INTO user_product_interactions
  (`user_id`, `product_id`, `interaction_type`, `session_id`, `timestamp`, `context`, `reward`)
SELECT `user_id`, `product_id`, `interaction_type`, `session_id`, `happened`, `context`, `reward`
FROM JSON_TABLE(:rows, '$[*]' COLUMNS (
  `user_id` BIGINT PATH '$[0]',
  `product_id` BIGINT PATH '$[1]',
  `interaction_type` VARCHAR(50) PATH '$[2]',
  `session_id` VARCHAR(255) PATH '$[3]',
  `happened` DATETIME PATH '$[4]',
  `context` VARCHAR(1000) PATH '$[5]',
  `reward` DECIMAL(10,2) PATH '$[6]'
)) AS `given`
