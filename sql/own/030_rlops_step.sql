-- Create rlops' own table of steps: intent before each statement, outcome after it. Times are UTC.
-- kind: write
-- needs: CREATE
-- locks: nothing; the table is new
-- algorithm: new
CREATE TABLE IF NOT EXISTS rlops_step (
  id            BIGINT       NOT NULL AUTO_INCREMENT,
  run_id        BIGINT       NOT NULL,
  seq           INT          NOT NULL,
  name          VARCHAR(255) NOT NULL,
  file          VARCHAR(255) NOT NULL,
  sql_text      MEDIUMTEXT   NOT NULL,
  sql_hash      CHAR(64)     NOT NULL,
  expect        TEXT         NOT NULL,
  status        VARCHAR(16)  NOT NULL,
  affected_rows BIGINT       NULL,
  watermark     VARCHAR(255) NULL,
  started_at    DATETIME(6)  NOT NULL,
  finished_at   DATETIME(6)  NULL,
  error         TEXT         NULL,
  PRIMARY KEY (id),
  KEY idx_run (run_id, seq)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='rlops: journal, one row a step'
