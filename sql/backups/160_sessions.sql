-- Read what the server's sessions are running at this moment.
-- kind: read
-- needs: PROCESS, to see other accounts' sessions
SELECT ID AS id, USER AS user, HOST AS host, TIME AS seconds, INFO AS text
FROM information_schema.PROCESSLIST
WHERE ID <> CONNECTION_ID() AND INFO IS NOT NULL
