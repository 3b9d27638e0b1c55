-- Delete interactions by primary key; a row that belongs to another parent by now stays.
-- kind: destroy
-- needs: DELETE and SELECT on user_product_interactions
-- locks: the rows
-- names: column
-- values: ids, parent
DELETE FROM user_product_interactions WHERE `id` IN :ids AND {column} = :parent
