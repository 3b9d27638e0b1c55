-- Lift the hold of months: the next cleanup deletes what is expired of them.
-- kind: write
-- needs: UPDATE on rlops_part
-- locks: nothing of the shop's
-- values: months
UPDATE rlops_part SET held = 0 WHERE month IN :months
