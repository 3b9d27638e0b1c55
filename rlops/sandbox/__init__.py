"""Throw-away servers: one way of getting and starting them, for the demo, the sandbox, the tests and the benchmarks."""

STATE = ".rlops-sandbox.json"  # in a working folder: leads to the sandbox of that folder
