-- Lock the rows that are about to go, and hash them as they are now.
-- kind: check
-- needs: SELECT and DELETE on user_product_interactions
-- locks: the rows
-- names: digest
-- values: ids
SELECT `id`, {digest} AS digest FROM user_product_interactions WHERE `id` IN :ids FOR UPDATE
