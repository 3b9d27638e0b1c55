-- Record the schema's version after an upgrade.
-- kind: write
-- needs: INSERT and UPDATE on rlops_state
-- locks: nothing of the shop's
-- values: schema_version
INSERT INTO rlops_state (name, value, updated_at) VALUES ('schema_version', :schema_version, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE value = VALUES(value), updated_at = VALUES(updated_at)
