-- Find a user and a product that exist, for the trial rows of --smoke.
-- kind: read
-- needs: SELECT on users and product
SELECT (SELECT MIN(id) FROM users) AS user_id, (SELECT MIN(id) FROM product) AS product_id
