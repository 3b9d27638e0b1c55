-- Create rlops' own table of the archive's parts: one row for each Parquet file, and what is known of its rows. Times are UTC.
-- kind: write
-- needs: CREATE
-- locks: nothing; the table is new
-- algorithm: new
CREATE TABLE IF NOT EXISTS rlops_part (
  id              BIGINT          NOT NULL AUTO_INCREMENT,
  month           DATE            NOT NULL,
  number          INT             NOT NULL,
  state           VARCHAR(16)     NOT NULL,
  late            TINYINT         NOT NULL,
  only_column     VARCHAR(64)     NULL,
  only_id         BIGINT          NULL,
  token           CHAR(32)        NOT NULL,
  path            VARCHAR(255)    NOT NULL,
  after_timestamp DATETIME(6)     NOT NULL,
  after_id        BIGINT          NOT NULL,
  to_timestamp    DATETIME(6)     NOT NULL,
  to_id           BIGINT          NOT NULL,
  row_count       BIGINT          NULL,
  min_id          BIGINT          NULL,
  max_id          BIGINT          NULL,
  xor1            BIGINT UNSIGNED NULL,
  xor2            BIGINT UNSIGNED NULL,
  sha256          CHAR(64)        NULL,
  file_bytes      BIGINT          NULL,
  raw_bytes       BIGINT          NULL,
  columns_json    TEXT            NULL,
  watermark       VARCHAR(64)     NULL,
  deleted_rows    BIGINT          NOT NULL DEFAULT 0,
  removed_rows    BIGINT          NOT NULL DEFAULT 0,
  kept_rows       BIGINT          NOT NULL DEFAULT 0,
  held            TINYINT         NOT NULL DEFAULT 0,
  replacing       TINYINT         NOT NULL DEFAULT 0,
  planned_at      DATETIME(6)     NOT NULL,
  exported_at     DATETIME(6)     NULL,
  verified_at     DATETIME(6)     NULL,
  deleting_at     DATETIME(6)     NULL,
  done_at         DATETIME(6)     NULL,
  PRIMARY KEY (id),
  UNIQUE KEY month_number (month, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='rlops: parts of the archive'
