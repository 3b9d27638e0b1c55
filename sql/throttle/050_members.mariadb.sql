-- Read, on a node of a Galera cluster, who the others are, what it has applied, what waits here, and how long writers were held back.
-- kind: read
-- needs: -
SHOW GLOBAL STATUS WHERE Variable_name IN
  ('wsrep_incoming_addresses', 'wsrep_cluster_status', 'wsrep_local_state_comment', 'wsrep_last_committed', 'wsrep_local_recv_queue',
   'wsrep_flow_control_paused_ns')
