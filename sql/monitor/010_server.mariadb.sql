-- Read the server's clock, the account and what the server records of itself. MariaDB alone has userstat.
-- kind: read
-- needs: -
SELECT
  UTC_TIMESTAMP() AS utc_now,
  CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@GLOBAL.time_zone) AS local_now,
  DATABASE() AS schema_name,
  CURRENT_USER() AS account,
  @@GLOBAL.performance_schema AS performance_schema,
  @@GLOBAL.userstat AS userstat
