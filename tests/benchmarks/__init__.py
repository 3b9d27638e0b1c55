"""Measurements: how fast rlops is, and what it does where its peers fail, on real servers.

`python -m tests.benchmarks [NAME…]` from the project's root. Nothing here is a test: no time is ever asserted, and
pytest collects none of it.
"""
