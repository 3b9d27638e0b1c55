-- Count the interactions of one user or product along their index.
-- kind: read
-- needs: SELECT on user_product_interactions
-- names: column, key
-- values: parent
SELECT COUNT(*) AS n FROM user_product_interactions FORCE INDEX ({key}) WHERE {column} = :parent
