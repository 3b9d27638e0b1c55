-- Record this installation: its environment, an id that tells it from its clones, and the schema's version.
-- kind: write
-- needs: INSERT on rlops_state
-- locks: nothing of the shop's
-- values: environment, installation_id, schema_version
INSERT IGNORE INTO rlops_state (name, value, updated_at) VALUES
  ('environment', :environment, UTC_TIMESTAMP(6)),
  ('installation_id', :installation_id, UTC_TIMESTAMP(6)),
  ('schema_version', :schema_version, UTC_TIMESTAMP(6))
