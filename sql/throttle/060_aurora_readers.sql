-- Read how many seconds the furthest of an Aurora cluster's readers is behind its writer. From the manual; never run.
-- kind: read
-- needs: -
SELECT COALESCE(MAX(REPLICA_LAG_IN_MILLISECONDS), 0) / 1000 AS Value
  FROM information_schema.REPLICA_HOST_STATUS
 WHERE SESSION_ID <> 'MASTER_SESSION_ID'
