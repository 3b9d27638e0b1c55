-- Hold months back from retention: their rows are in the live table again, and stay until the hold is lifted.
-- kind: write
-- needs: UPDATE on rlops_part
-- locks: nothing of the shop's
-- values: months
UPDATE rlops_part SET held = 1, watermark = NULL, state = IF(state IN ('deleting', 'done'), 'verified', state)
WHERE month IN :months
