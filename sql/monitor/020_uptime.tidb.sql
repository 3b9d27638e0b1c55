-- Read for how many seconds the youngest tidb-server has been up: as long as the counters of all can be old.
-- kind: read
-- needs: PROCESS ON *.*
SELECT COALESCE(MIN(TIMESTAMPDIFF(SECOND, START_TIME, CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', 'SYSTEM'))), 0) AS Value
FROM information_schema.CLUSTER_INFO
WHERE TYPE = 'tidb'
