-- Create rlops' own table of runs: one row for each command that wrote something. Times are UTC.
-- kind: write
-- needs: CREATE
-- locks: nothing; the table is new
-- algorithm: new
CREATE TABLE IF NOT EXISTS rlops_run (
  id            BIGINT       NOT NULL AUTO_INCREMENT,
  command       VARCHAR(64)  NOT NULL,
  status        VARCHAR(16)  NOT NULL,
  plan_hash     CHAR(16)     NOT NULL,
  started_at    DATETIME(6)  NOT NULL,
  finished_at   DATETIME(6)  NULL,
  account       VARCHAR(288) NOT NULL,
  os_user       VARCHAR(255) NOT NULL,
  host          VARCHAR(255) NOT NULL,
  pid           BIGINT       NOT NULL,
  connection_id BIGINT       NOT NULL,
  rlops_version VARCHAR(32)  NOT NULL,
  ticket        VARCHAR(255) NULL,
  message       TEXT         NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='rlops: journal, one row a run'
