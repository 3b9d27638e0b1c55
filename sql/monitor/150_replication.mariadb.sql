-- Read how this server follows its sources, if it is a replica.
-- kind: read
-- needs: SLAVE MONITOR ON *.*
SHOW ALL SLAVES STATUS
