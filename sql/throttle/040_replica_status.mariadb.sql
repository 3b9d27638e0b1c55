-- Read, on a replica, how far it is behind each of its sources.
-- kind: read
-- needs: SLAVE MONITOR ON *.*
SHOW ALL SLAVES STATUS
