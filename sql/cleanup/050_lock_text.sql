-- Lock the rows that are about to go, and read them as one text, along their ids.
-- kind: check
-- needs: SELECT and DELETE on user_product_interactions
-- locks: the rows
-- names: texts, condition
SELECT GROUP_CONCAT({texts} ORDER BY `id` SEPARATOR '') AS text FROM user_product_interactions WHERE {condition} FOR UPDATE
