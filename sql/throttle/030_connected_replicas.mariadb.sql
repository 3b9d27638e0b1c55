-- Count the replicas that are connected.
-- kind: read
-- needs: -
SHOW GLOBAL STATUS LIKE 'Slaves_connected'
