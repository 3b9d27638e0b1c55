"""A real tidb-server, built once from the Go module proxy. `make test-tidb` runs them."""
