"""Cold storage: what `rlops archive` plans and tells."""
