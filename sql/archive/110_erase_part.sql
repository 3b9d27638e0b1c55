-- Mark a part whose file is about to be written anew without the rows that are to go.
-- kind: destroy
-- needs: UPDATE on rlops_part
-- locks: nothing of the shop's
-- values: id
UPDATE rlops_part SET replacing = 1 WHERE id = :id
