-- Read how this server follows its source, if it is a replica.
-- kind: read
-- needs: REPLICATION CLIENT ON *.*
SHOW REPLICA STATUS
