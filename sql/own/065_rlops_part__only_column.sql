-- Add what tells a purge's parts from those of whole months, where rlops made the table before it had that.
-- kind: write
-- needs: ALTER on rlops_part
-- locks: nothing of the shop's
-- algorithm: inplace
ALTER TABLE rlops_part
  ADD COLUMN only_column VARCHAR(64) NULL AFTER late,
  ADD COLUMN only_id     BIGINT      NULL AFTER only_column
