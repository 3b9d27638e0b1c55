-- Create rlops' own table of backups: one row each, with its manifest as JSON text. Times are UTC.
-- kind: write
-- needs: CREATE
-- locks: nothing; the table is new
-- algorithm: new
CREATE TABLE IF NOT EXISTS rlops_backup (
  id            VARCHAR(32)  NOT NULL,
  state         VARCHAR(16)  NOT NULL,
  made_at       DATETIME(6)  NOT NULL,
  updated_at    DATETIME(6)  NOT NULL,
  account       VARCHAR(288) NOT NULL,
  os_user       VARCHAR(255) NOT NULL,
  host          VARCHAR(255) NOT NULL,
  rlops_version VARCHAR(32)  NOT NULL,
  ticket        VARCHAR(255) NULL,
  manifest      LONGTEXT     NOT NULL,
  progress      LONGTEXT     NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='rlops: backups, one row each'
