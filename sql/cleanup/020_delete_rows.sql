-- Delete rows by primary key; a row whose timestamp has moved past the cutoff in the meantime stays.
-- kind: destroy
-- needs: DELETE and SELECT on user_product_interactions
-- locks: the rows
-- names: condition
-- values: cutoff
DELETE FROM user_product_interactions WHERE {condition} AND `timestamp` < :cutoff
