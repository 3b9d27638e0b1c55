-- Count the sessions that read the binary log: replicas, and tools that behave as one.
-- kind: read
-- needs: PROCESS ON *.*
SELECT COUNT(*) AS Value FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%'
