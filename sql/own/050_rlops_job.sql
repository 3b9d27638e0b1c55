-- Create rlops' own table of jobs: one row for each piece of long work, which several runs may carry out. Times are UTC.
-- kind: write
-- needs: CREATE
-- locks: nothing; the table is new
-- algorithm: new
CREATE TABLE IF NOT EXISTS rlops_job (
  id           BIGINT       NOT NULL AUTO_INCREMENT,
  kind         VARCHAR(32)  NOT NULL,
  subject      VARCHAR(255) NOT NULL,
  parameters   TEXT         NOT NULL,
  command      VARCHAR(255) NOT NULL,
  policy_hash  CHAR(16)     NOT NULL,
  state        VARCHAR(16)  NOT NULL,
  request      VARCHAR(16)  NULL,
  requested_by VARCHAR(512) NULL,
  run_id       BIGINT       NOT NULL,
  done_rows    BIGINT       NOT NULL,
  total_rows   BIGINT       NULL,
  watermark    TEXT         NULL,
  waiting      VARCHAR(255) NULL,
  started_at   DATETIME(6)  NOT NULL,
  updated_at   DATETIME(6)  NOT NULL,
  finished_at  DATETIME(6)  NULL,
  PRIMARY KEY (id),
  KEY idx_state (state, kind)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='rlops: jobs, one row for each piece of long work'
