-- Hold months back from retention: their rows are in the live table again, and stay until the hold is lifted.
-- kind: write
-- needs: UPDATE on rlops_part
-- locks: nothing of the shop's
-- values: months
UPDATE rlops_part
SET held = 1, watermark = NULL, deleted_rows = 0, removed_rows = 0, kept_rows = 0,
    state = IF(state IN ('deleting', 'done'), 'verified', state)
WHERE month IN :months
