-- Create rlops' own table of snapshots: what monitor --record measured, thinned with age. Times are UTC.
-- kind: write
-- needs: CREATE
-- locks: nothing; the table is new
-- algorithm: new
CREATE TABLE IF NOT EXISTS rlops_snapshot (
  id         BIGINT      NOT NULL AUTO_INCREMENT,
  taken_at   DATETIME(6) NOT NULL,
  started_at DATETIME(6) NOT NULL COMMENT 'when the server had started, whose counters these are',
  body       MEDIUMTEXT  NOT NULL COMMENT 'JSON',
  PRIMARY KEY (id),
  KEY idx_taken (taken_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='rlops: recorded measurements'
