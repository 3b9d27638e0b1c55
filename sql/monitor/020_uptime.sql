-- Read for how many seconds the server has been up: as long as its counters can be old.
-- kind: read
-- needs: -
SHOW GLOBAL STATUS LIKE 'Uptime'
