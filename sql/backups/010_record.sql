-- Record a backup, or what has become of it: its state, its manifest, and how far a copy or a merge of it has come.
-- kind: write
-- needs: INSERT and UPDATE on rlops_backup
-- locks: nothing of the shop's
-- values: backup_id, state, os_user, host, rlops_version, ticket, manifest, progress
INSERT INTO rlops_backup
  (id, state, made_at, updated_at, account, os_user, host, rlops_version, ticket, manifest, progress)
VALUES
  (:backup_id, :state, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), CURRENT_USER(), :os_user, :host, :rlops_version, :ticket,
   :manifest, :progress)
ON DUPLICATE KEY UPDATE
  state = VALUES(state), updated_at = VALUES(updated_at), manifest = VALUES(manifest), progress = VALUES(progress)
