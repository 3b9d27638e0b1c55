"""Real clusters on loopback: Galera, Group Replication, and a primary with two replicas. `make test-clusters` runs them."""
