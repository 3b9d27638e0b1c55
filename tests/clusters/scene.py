"""A shop on a cluster with rows of some months, the commands that are struck there, and what must hold afterwards."""

from __future__ import annotations

import time

import coldstore
import pytest
import truth
from sessions import answer, begin

DEVELOPMENT = ("--environment", "development")
KINDS = {"galera": "galera", "group": "group_replication", "group-multi": "multi_primary"}
ROWS = 6_000
TABLE = "user_product_interactions"
SEED = 20261128
FINISHED_WITHIN = 120  # seconds
FIRST = "2020-01-01 00:00:00"
COMMANDS = {
    "migrate": ("migrate",),
    "archive": ("archive", "run"),
    "cleanup": ("cleanup", "--months", "12", "--yes"),
    "rollback": ("rollback", "--yes"),
    "partition": ("partition", "enable", "--offline", "--integrity", "none"),
    "online": ("partition", "enable"),
}


def paced(cluster):
    """The replicas, whose lag is known to themselves alone; the nodes of a cluster are found."""
    if cluster.kind in KINDS:
        return DEVELOPMENT
    return (
        *DEVELOPMENT,
        *(word for node in cluster.nodes[1:] for word in ("--replica", f"mysql://root@127.0.0.1:{node.server.port}")),
    )


class Scene:
    """A shop on a cluster, what it must still hold after the fault, and where it is looked for."""

    def __init__(self, cluster, shop_on, command, folder, rows=ROWS):
        if command == "online" and len(cluster.writers) > 1:
            pytest.skip("refused there: test_life.py::test_what_a_lock_of_one_node_can_not_hold_is_refused")
        self.cluster, self.shop_on, self.command, self.cold = cluster, shop_on, command, folder / "cold"
        self.shop = shop_on(cluster.writers[0])
        self.name = self.shop.name
        if command != "migrate":
            self.shop.cli("migrate", *DEVELOPMENT)
            truth.fill_many(self.shop, rows, FIRST, apart=7000)
        self.cluster.await_synced()
        self.before = self.ids(cluster.writers[0])

    def ids(self, node):
        """Of every row that is live or in a backup."""
        names = [name for name in node.contents(self.name) if name == TABLE or name.startswith(f"{TABLE}__backup_")]
        return sorted(row["id"] for name in names for row in node.run(f"SELECT id FROM `{name}`", database=self.name))

    def run(self, node=None, start=begin):
        shop = self.shop_on(node or self.cluster.writers[0])
        to = ("--to", str(self.cold)) if self.command in ("archive", "cleanup") else ()
        return start(
            shop,
            *COMMANDS[self.command],
            *to,
            *(paced(self.cluster) if self.command in ("cleanup", "online") else DEVELOPMENT),
        )

    def finish(self):
        """The command again from another node, until no earlier run is in its way any more; its answer."""
        deadline = time.monotonic() + FINISHED_WITHIN
        while (last := answer(self.run(self.cluster.writers[-1])))["exit_code"] != 0:
            assert time.monotonic() < deadline, f"the next run does not finish: {last}"
        return last

    def under_way(self, node):
        query = "SELECT COUNT(*) AS n FROM rlops_run WHERE status = 'running'"
        return node.run(query, database=self.name)[0]["n"]

    def settled(self):
        self.cluster.await_synced()
        assert self.cluster.equal(self.name)
        if self.command in ("archive", "cleanup"):
            archived = {row[0] for row in coldstore.rows(self.cold, "id")}
            assert set(self.before) == archived | set(self.ids(self.cluster.writers[0]))
            assert coldstore.problems(self.cold) == []
        elif self.command == "migrate":
            assert TABLE in self.cluster.nodes[2].contents(self.name)
        else:
            assert self.ids(self.cluster.writers[0]) == self.before
