-- Read, on a replica, how far it is behind.
-- kind: read
-- needs: REPLICATION CLIENT ON *.*
SHOW REPLICA STATUS
