"""Runs on a cluster whose nodes die, stand still, are cut off or are slow: nothing is lost, all nodes end equal, the next run finishes."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from sessions import answer, connect, stopped

from clusters.rig import until
from clusters.scene import COMMANDS, DEVELOPMENT, ROWS, SEED, Scene
from rlops import nodes, sqlfiles

FAULTS = ("kill", "stop", "cut")
ROUNDS = int(os.environ.get("RLOPS_ROUNDS", "1"))


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


@pytest.mark.kinds("galera", "group", "group-multi")  # elsewhere the lock is the connection's, and ends with it
def test_a_run_whose_lease_ran_out_while_it_stood_still_writes_nothing_more(cluster, shop_on, tmp_path):
    scene = Scene(cluster, shop_on, "cleanup", tmp_path, rows=8 * ROWS)  # so that it isn't over when it is stopped
    process = scene.run(start=stopped_between_chunks)
    assert any(job["done_rows"] for job in jobs(scene))
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


def stopped_between_chunks(shop, *arguments):
    """It stands still after two chunks of the first month are deleted, where it holds no row's lock: that would be in the
    next run's way on the same server whatever its lease says.
    """
    return stopped(shop, "rlops.longwork:LongWork._clear_the_way", 7, *arguments)


def jobs(scene):
    return scene.shop.query("SELECT id, state, done_rows FROM rlops_job ORDER BY id")


@pytest.mark.kinds("galera", "group", "group-multi")  # a replica's lag: tests/faults/test_throttle.py
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


@pytest.mark.kinds("galera")  # a group's members tell each other once a second
def test_what_a_node_is_just_applying_counts_as_behind(cluster, shop_on):
    """Nothing waits in its queue by then, and it isn't in step all the same."""
    shop = shop_on(cluster.writers[0])
    others = [node for node in cluster.nodes if node is not cluster.writers[0]]
    shop.query("CREATE TABLE much (id INT AUTO_INCREMENT PRIMARY KEY, word VARCHAR(200))")
    shop.query("INSERT INTO much (word) VALUES ('a'), ('b')")
    for _ in range(16):
        shop.query("INSERT INTO much (word) SELECT word FROM much")
    cluster.await_synced()

    def counted(node):
        return node.run("SELECT COUNT(*) AS n FROM much WHERE word = 'changed'", database=shop.name)[0]["n"]

    with connect(shop) as session:
        sql = sqlfiles.load(None, session.family)
        assert nodes.straggler(session, sql, nodes.AGREE_WITHIN) is None
        shop.query("UPDATE much SET word = 'changed'")
        late = nodes.straggler(session, sql, 0), min(counted(node) for node in others)
        assert nodes.straggler(session, sql, nodes.AGREE_WITHIN) is None
        after = [counted(node) for node in others]
    assert late[0] is not None or late[1] == after[0], late
    assert after == [2**17] * 2


def waiting(scene):
    return scene.shop.query("SELECT waiting FROM rlops_job")
