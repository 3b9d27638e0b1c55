"""One tidb-server for all of them; each test has a schema of its own with the shop in it, as everywhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from conftest import CACHE

from rlops.errors import Failed
from rlops.sandbox.server import RunningServer
from rlops.sandbox.shop import new_directory
from tidb.build import provide
from tidb.server import started


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    directory = new_directory("tidb")
    try:
        with started(provide(CACHE, print), directory / "server") as running:
            yield running
    except Failed as failure:
        pytest.fail(f"TiDB can't be had: {failure.message} ({failure.hint})")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
