-- Delete interactions by primary key; a row that belongs to another parent by now stays.
-- kind: destroy
-- needs: DELETE and SELECT on user_product_interactions
-- locks: the rows
-- names: condition, column
-- values: parent
DELETE FROM user_product_interactions WHERE {condition} AND {column} = :parent
