"""Runs on a cluster whose nodes die, stand still, are cut off or are slow: nothing is lost, all nodes end equal, the next run finishes."""

from __future__ import annotations

import os
import random
import signal
import time

import coldstore
import pytest
import truth
from sessions import answer, begin

from clusters.rig import until
from clusters.test_life import DEVELOPMENT, paced

ROWS = 6_000
TABLE = "user_product_interactions"
SEED = 20261128
FIRST, LAST = "2020-01-01 00:00:00", "2020-03-31 23:59:59"
COMMANDS = {
    "migrate": ("migrate",),
    "archive": ("archive", "run"),
    "cleanup": ("cleanup", "--months", "12", "--yes"),
    "rollback": ("rollback", "--yes"),
    "partition": ("partition", "enable", "--offline", "--integrity", "none"),
    "online": ("partition", "enable"),
}
FAULTS = ("kill", "stop", "cut")
ROUNDS = int(os.environ.get("RLOPS_ROUNDS", "1"))


class Scene:
    """A shop on a cluster, what it must still hold after the fault, and where it is looked for."""

    def __init__(self, cluster, shop_on, command, folder, rows=ROWS):
        if command == "online" and len(cluster.writers) > 1:
            pytest.skip("refused where several nodes take writes: test_life.py")
        self.cluster, self.shop_on, self.command, self.cold = cluster, shop_on, command, folder / "cold"
        self.shop = shop_on(cluster.writers[0])
        self.name = self.shop.name
        if command != "migrate":
            self.shop.cli("migrate", *DEVELOPMENT)
            self.fill(rows)
        self.cluster.await_synced()
        self.before = self.ids(cluster.writers[0])

    def fill(self, rows):
        truth.execute(
            self.shop,
            f"INSERT INTO {TABLE} (user_id, product_id, interaction_type, timestamp)"
            f" WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i % 20 + 1, i % 19 + 1,"
            f" 'VIEW', TIMESTAMP '{FIRST}' + INTERVAL i * 7000 SECOND FROM n",
            *[f"INSERT INTO {TABLE} (user_id, product_id, interaction_type, timestamp)"
              f" SELECT user_id, product_id, 'VIEW', timestamp FROM {TABLE} LIMIT 1000"] * (rows // 1000 - 1),
        )  # fmt: skip

    def ids(self, node):
        """Of every row that is live or in a backup."""
        names = [name for name in node.contents(self.name) if name == TABLE or name.startswith(f"{TABLE}__backup_")]
        return sorted(row["id"] for name in names for row in node.run(f"SELECT id FROM `{name}`", database=self.name))

    def run(self, node=None):
        shop = self.shop_on(node or self.cluster.writers[0])
        to = ("--to", str(self.cold)) if self.command in ("archive", "cleanup") else ()
        return begin(
            shop,
            *COMMANDS[self.command],
            *to,
            *(paced(self.cluster) if self.command in ("cleanup", "online") else DEVELOPMENT),
        )

    def finish(self):
        """The command again from another node, until no earlier run is in its way any more; its answer."""
        last = {}

        def over():
            nonlocal last
            node = self.cluster.writers[-1]
            last = answer(self.run(node))
            return last["exit_code"] == 0

        until(over, f"the next run finishes: {last}", patience=120)
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


def strike(fault, node):
    {"kill": node.kill9, "stop": node.stop_signal, "cut": node.cut_off}[fault]()


@pytest.mark.parametrize("round_", range(ROUNDS))
@pytest.mark.parametrize("at", ["own", "other"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_node_fails_in_mid_run(cluster, shop_on, tmp_path, command, fault, at, round_, record_property):
    scene = Scene(cluster, shop_on, command, tmp_path)
    chance = random.Random(f"{SEED}/{command}/{fault}/{at}/{round_}")
    node = cluster.writers[0] if at == "own" else next(each for each in cluster.nodes if each is not cluster.writers[0])
    process = scene.run(cluster.writers[0])
    witness = next(each for each in cluster.nodes if each is not cluster.writers[0])
    until(lambda: process.poll() is not None or scene.under_way(witness), "it has begun")
    time.sleep(chance.random() * 1.5)  # a random moment of the run
    strike(fault, node)
    time.sleep(chance.random() * 8)  # the others may have noticed by then, or not
    cluster.repair()
    said = answer(process)
    record_property("the run that was struck", f"exit {said['exit_code']}")
    assert said["exit_code"] in (0, 1, 4, 5, 6), said
    assert said["exit_code"] == 0 or (said["error"]["message"] and said["error"]["hint"]), said
    scene.finish()
    scene.settled()


def test_two_runs_from_two_nodes_at_once(cluster, shop_on, tmp_path):
    scene = Scene(cluster, shop_on, "migrate", tmp_path)
    nodes = (cluster.writers * 2)[:2]
    for _ in range(3):
        said = [answer(process) for process in [scene.run(node) for node in nodes]]
        assert {each["exit_code"] for each in said} <= {0, 6} and 0 in {each["exit_code"] for each in said}, said
        scene.shop.cli("rollback", "--yes", *DEVELOPMENT)
        scene.shop.cli("backups", "prune", "--keep", "0", "--yes", check=None)
    scene.finish()
    scene.settled()


def test_a_run_whose_lease_ran_out_while_it_stood_still_writes_nothing_more(cluster, shop_on, tmp_path):
    scene = Scene(cluster, shop_on, "cleanup", tmp_path, rows=8 * ROWS)  # so that it isn't over when it is stopped
    process = scene.run()
    until(lambda: any(job["done_rows"] for job in jobs(scene)), "it has deleted something")
    stop_between_transactions(scene, process)
    try:
        blocked = answer(scene.run(cluster.writers[-1]))
        assert blocked["exit_code"] == 6 and "runs out in" in blocked["error"]["message"], blocked
        scene.finish()
        after = scene.ids(cluster.writers[0]), jobs(scene)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    said = answer(process)
    assert (said["exit_code"], said["error"]["code"]) in ((1, "lease_lost"), (6, "lease_lost")), said
    assert (scene.ids(cluster.writers[0]), jobs(scene)) == after
    scene.settled()


def stop_between_transactions(scene, process):
    """Stop it where it holds no row's lock, which would hold up the next run on the same server whatever its lease says."""
    query = "SELECT COUNT(*) AS n FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = {}"
    node = scene.cluster.writers[0]

    def stopped():
        os.kill(process.pid, signal.SIGSTOP)
        (run,) = node.run("SELECT MAX(connection_id) AS id FROM rlops_run", database=scene.name)
        if node.run(query.format(run["id"]))[0]["n"] == 0:
            return True
        os.kill(process.pid, signal.SIGCONT)
        return False

    until(stopped, "it stands still between two transactions")
    assert process.poll() is None, "it was over by then"


def jobs(scene):
    return scene.shop.query("SELECT id, state, done_rows FROM rlops_job ORDER BY id")


def test_a_slow_node_is_waited_for(cluster, shop_on, tmp_path):
    """One that has much to apply, and doesn't hold the others back."""
    scene = Scene(cluster, shop_on, "cleanup", tmp_path)
    slow = next(node for node in cluster.nodes if node is not cluster.writers[0])
    with cluster.held_up(slow):
        for number in range(150):
            cluster.writers[0].run(f"UPDATE users SET email = '{number}' WHERE id = 1", database=scene.name)
        process = scene.run()
        until(lambda: any("transactions to apply" in (job["waiting"] or "") for job in waiting(scene)), "it waits")
    assert answer(process)["exit_code"] == 0
    scene.settled()


def waiting(scene):
    return scene.shop.query("SELECT waiting FROM rlops_job")
