# Needs Python 3.11+ and a package index; `make demo` and `make test` get the rest themselves.
VENV := .venv/bin
UV := $(shell command -v uv || echo $(VENV)/uv)
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --upgrade \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help demo test check bench torture test-clusters test-tidb lock clean runtime dev

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: runtime  ## the whole life of the tables on a throw-away server
	@$(VENV)/rlops demo

test: check  ## everything: check, then the tests on every server
	$(VENV)/python -m pytest -n 4

check: dev  ## style and types
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy

bench: dev  ## how fast it is
	$(VENV)/python -m tests.benchmarks

torture: dev  ## long tests: kill -9, broken networks, full disks
	RLOPS_TORTURE=1 $(VENV)/python -m pytest -m torture -n 2

test-clusters: dev  ## on real clusters: Galera, Group Replication, replicas
	RLOPS_CLUSTERS=1 $(VENV)/python -m pytest tests/clusters -q

test-tidb: dev  ## on a real TiDB, which is built first with Go (10 to 30 minutes, once)
	RLOPS_TIDB=1 $(VENV)/python -m pytest tests/tidb -q

lock: dev  ## choose the newest dependencies, and pin them
	@test -x "$(UV)" || $(VENV)/python -m pip install --quiet uv
	$(COMPILE) pyproject.toml --output-file .ci/runtime.lock
	$(COMPILE) pyproject.toml --group dev --constraint .ci/runtime.lock --output-file .ci/dev.lock

runtime dev:
	@for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
		if $$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec $$python .ci/venv.py $@; fi; done; \
	echo "rlops needs Python 3.11 or later; name one with make PYTHON=/path/to/python3" >&2; exit 1

clean:  ## remove what make made here; downloaded servers stay in ~/.cache/rlops
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
