-- Record a fact about the interactions table: its form, its integrity, or how far a change of form has come.
-- kind: write
-- needs: INSERT and UPDATE on rlops_state
-- locks: nothing of the shop's
-- values: fact, value
INSERT INTO rlops_state (name, value, updated_at) VALUES (:fact, :value, UTC_TIMESTAMP(6))
  ON DUPLICATE KEY UPDATE value = VALUES(value), updated_at = VALUES(updated_at)
