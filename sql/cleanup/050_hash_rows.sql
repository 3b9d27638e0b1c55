-- Lock the rows that are about to go, and hash all of them at once: a line of CSV for each row, along their ids.
-- kind: check
-- needs: SELECT and DELETE on user_product_interactions
-- locks: the rows
-- names: line, condition
SELECT SHA2(GROUP_CONCAT({line} ORDER BY `id` SEPARATOR '\n'), 256) AS sha256
FROM user_product_interactions WHERE {condition} FOR UPDATE
