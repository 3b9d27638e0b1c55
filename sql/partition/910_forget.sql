-- Forget a recorded fact.
-- kind: write
-- needs: DELETE on rlops_state
-- locks: nothing of the shop's
-- values: fact
DELETE FROM rlops_state WHERE name = :fact
