-- Read one row that is too long for a page.
-- kind: read
-- needs: SELECT on user_product_interactions
-- names: texts
-- values: id
SELECT {texts} FROM user_product_interactions WHERE `id` = :id
