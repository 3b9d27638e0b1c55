-- Record where this installation's archive is.
-- kind: write
-- needs: INSERT and UPDATE on rlops_state
-- locks: nothing of the shop's
-- values: destination
INSERT INTO rlops_state (name, value, updated_at) VALUES ('archive_destination', :destination, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE value = VALUES(value), updated_at = VALUES(updated_at)
