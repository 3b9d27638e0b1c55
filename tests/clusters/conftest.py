"""Each kind of cluster starts when the first test wants it, once a session and one at a time; a test gets a schema of its own.

RLOPS_TEST_CLUSTERS (a comma list) restricts the kinds. `@pytest.mark.kinds("galera", "group")` restricts a test to some.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from conftest import ShopDatabase, fill_shop

from clusters.asynchronous import Replicas
from clusters.galera import Galera
from clusters.group import Group, MultiGroup
from clusters.rig import Cluster, Node
from rlops.errors import Failed
from rlops.sandbox.shop import new_directory

KINDS: dict[str, Callable[[Path], Cluster]] = {
    "galera": Galera,
    "group": Group,
    "group-multi": MultiGroup,
    "replicas-mysql": partial(Replicas, "mysql-9.7"),
    "replicas-mariadb": partial(Replicas, "mariadb-11.8"),
}


def wanted() -> list[str]:
    named = [name.strip() for name in os.environ.get("RLOPS_TEST_CLUSTERS", "").split(",") if name.strip()]
    if unknown := set(named) - set(KINDS):
        raise pytest.UsageError(f"RLOPS_TEST_CLUSTERS: {', '.join(sorted(unknown))} not among {', '.join(KINDS)}")
    return named or list(KINDS)


@pytest.fixture(scope="session", params=wanted())
def running(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    directory = new_directory("cluster")
    try:
        with KINDS[request.param](directory) as cluster:
            yield cluster
    except Failed as failure:
        pytest.fail(f"{request.param} can't be had: {failure.message} ({failure.hint})")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def cluster(running: Cluster) -> Iterator[Cluster]:
    """Whole when the test begins, and made whole again after it, whatever the test has done to it."""
    yield running
    running.repair()


@pytest.fixture
def shop_on(cluster: Cluster, tmp_path: Path) -> Iterator[Callable[[Node], ShopDatabase]]:
    """`shop_on(node)`: the test's own schema with a shop in it, which all nodes hold, as that node shows it.

    Its `cli` runs rlops against that node.
    """
    name = f"t_{uuid.uuid4().hex[:12]}"
    made: dict[str, ShopDatabase] = {}

    def on(node: Node) -> ShopDatabase:
        if node.name not in made:
            home = tmp_path / node.name
            home.mkdir()
            made[node.name] = ShopDatabase(node.server, name, home)
        return made[node.name]

    fill_shop(on(cluster.writers[0]))
    cluster.await_synced()
    yield on
    for database in made.values():
        for connection in database.opened:
            if connection.open:
                connection.close()
    cluster.repair()
    cluster.writers[0].run(f"DROP DATABASE IF EXISTS {name}")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "kinds(*names): the kinds of cluster that the test is for")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    unfit = [
        item
        for item in items
        if isinstance(item, pytest.Function)
        and (mark := item.get_closest_marker("kinds"))
        and item.callspec.params["running"] not in mark.args
    ]
    items[:] = [item for item in items if item not in unfit]
    config.hook.pytest_deselected(items=unfit)
