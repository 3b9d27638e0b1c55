-- Lock rows that are about to go, and hash each of them as it is now.
-- kind: check
-- needs: SELECT and DELETE on user_product_interactions
-- locks: the rows
-- names: digest, condition
SELECT `id`, {digest} AS digest FROM user_product_interactions WHERE {condition} FOR UPDATE
