-- Create rlops' own table of recorded facts: the installation's id and its environment.
-- kind: write
-- needs: CREATE
-- locks: nothing; the table is new
-- algorithm: new
CREATE TABLE IF NOT EXISTS rlops_state (
  name       VARCHAR(64)  NOT NULL,
  value      TEXT         NOT NULL,
  updated_at DATETIME(6)  NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='rlops: recorded facts'
