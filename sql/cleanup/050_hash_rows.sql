-- Lock the rows that are about to go, and hash them as one text, along their ids.
-- kind: check
-- needs: SELECT and DELETE on user_product_interactions
-- locks: the rows
-- names: texts, condition
SELECT SHA2(GROUP_CONCAT({texts} ORDER BY `id` SEPARATOR ''), 256) AS sha256
FROM user_product_interactions WHERE {condition} FOR UPDATE
