-- Read the sessions in the schema that wait for a metadata lock, the longest first.
-- kind: read
-- needs: PROCESS ON *.*
-- values: schema
SELECT ID AS id, USER AS user, HOST AS host, TIME AS seconds, LEFT(INFO, 300) AS statement, STATE AS state
FROM information_schema.PROCESSLIST
WHERE DB = :schema AND ID <> CONNECTION_ID() AND STATE LIKE 'Waiting for %lock'
ORDER BY TIME DESC
LIMIT 20
