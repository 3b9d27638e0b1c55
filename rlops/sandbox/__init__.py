"""Throw-away servers: one way of getting and starting them, for the demo, the sandbox, the tests and the benchmarks."""
