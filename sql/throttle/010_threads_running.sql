-- Read how many sessions are executing something at this moment, this one included.
-- kind: read
-- needs: -
SHOW GLOBAL STATUS LIKE 'Threads_running'
