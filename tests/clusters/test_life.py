"""The whole life of the tables on a cluster: each command does its work or refuses with a reason, and all nodes stay equal."""

from __future__ import annotations

import json

import pytest
import truth
from conftest import run_cli
from sessions import begin, connect

from clusters.rig import until
from clusters.scene import DEVELOPMENT, KINDS, paced
from rlops import sqlfiles
from rlops.cli import writing


@pytest.fixture
def shop(shop_on, cluster):
    database = shop_on(cluster.writers[0])
    database.cli("migrate", *DEVELOPMENT)
    truth.fill(database, *(f"2020-0{1 + n % 9}-01 00:00:{n:02}" for n in range(40)), "2026-11-01 00:00:00")
    return database


def test_the_whole_life(cluster, shop, shop_on):
    name, other = shop.name, shop_on(cluster.nodes[1])
    assert shop.cli("migrate", "--check").returncode == 0
    other.cli("verify", check=None)
    said = other.cli("verify", "--output", "json", check=None).json
    assert [each for each in said["data"]["findings"] if each["check"] not in ("account", "grant")] == []
    shop.cli("archive", "run", *DEVELOPMENT)
    done = shop.cli("cleanup", "--months", "12", "--yes", "--output", "json", *paced(cluster)).json
    assert done["data"]["deleted_rows"] == 40
    shop.cli("purge", "--user", "1", "--yes", *paced(cluster))
    shop.cli("rollback", "--yes", *DEVELOPMENT)
    shop.cli("restore", "--yes", *DEVELOPMENT)
    shop.cli("monitor", check=None)
    shop.cli("history")
    cluster.await_synced()
    assert cluster.equal(name)
    shop.cli("uninstall", "--yes", *DEVELOPMENT)
    cluster.await_synced()
    assert cluster.equal(name)


def test_doctor_tells_what_it_can(cluster, shop):
    engine = shop.cli("doctor", "--output", "json", check=None).json["data"]["engine"]
    assert engine["kind"] == KINDS.get(cluster.kind, cluster.nodes[0].server.family)
    assert engine["can"]["run lock"].startswith("a lease" if cluster.kind in KINDS else "GET_LOCK")
    assert engine["cluster"] in shop.cli("doctor", check=None).stdout


def test_what_a_lock_of_one_node_can_not_hold_is_refused(cluster, shop):
    """Where other nodes take writes too; elsewhere it is done."""
    many = len(cluster.writers) > 1
    enable = shop.cli("partition", "enable", "--output", "json", *paced(cluster), check=5 if many else 0).json
    if not many:
        cluster.await_synced()
        assert cluster.equal(shop.name)
        shop.cli("partition", "finish", "--yes", *DEVELOPMENT)
        return
    assert enable["error"]["code"] == "locks_of_one_node"
    offline = ("partition", "enable", "--offline", "--output", "json", *DEVELOPMENT)
    assert shop.cli(*offline, check=5).json["error"]["code"] == "locks_of_one_node"
    shop.cli(*offline, "--integrity", "none")
    assert shop.cli("partition", "expire", "--yes", *DEVELOPMENT, check=5).stderr.count("not proven")
    cluster.await_synced()
    assert cluster.equal(shop.name)


def test_a_node_that_does_not_take_writes_is_refused(cluster, shop, shop_on):
    """A secondary, or a replica: nothing is begun there."""
    others = [node for node in cluster.nodes if node not in cluster.writers]
    if not others:
        pytest.skip("every node takes writes")
    said = shop_on(others[0]).cli("rollback", "--yes", "--output", "json", *DEVELOPMENT, check=5).json
    assert said["error"]["code"] == "not_writable"
    assert shop_on(others[0]).cli("rollback", "--dry-run").returncode == 0


@pytest.mark.kinds("galera", "group", "group-multi")
def test_a_node_that_is_cut_off_refuses_and_tells(cluster, shop, shop_on):
    """Nothing hangs there: what writes is refused, what reads shows what the node still holds, and doctor says why."""
    node = cluster.writers[0]
    there = shop_on(node)
    node.cut_off()
    until(lambda: not cluster.accepts(node), "it knows that it is cut off")
    for command in (
        ("migrate",),
        ("cleanup", "--months", "12", "--yes", "--no-archive"),
        ("rollback", "--yes"),
        ("jobs", "pause"),
        ("jobs", "abort"),
        ("maintain", "--yes"),
    ):
        said = within(there, *command)
        assert (said["exit_code"], said["error"]["code"]) == (5, "not_writable"), said
    found = within(there, "doctor")
    assert "cluster" in {each["object"] for each in found["data"]["findings"]}
    for command in (("monitor",), ("history",), ("jobs", "list"), ("rollback", "--dry-run"), ("partition", "status")):
        said = within(there, *command)
        assert said["exit_code"] in (0, 3), said
    assert within(there, "monitor")["data"]["tables"][0]["rows"] == 41


def within(shop, *command, seconds=30):
    process = begin(shop, *command, *DEVELOPMENT)
    try:
        stdout, stderr = process.communicate(timeout=seconds)
    finally:
        process.kill()
    assert stdout, f"{command}: exit {process.returncode}, {stderr}"
    return json.loads(stdout)


@pytest.mark.kinds("group", "group-multi")
def test_the_account_that_doctor_prints_sees_the_members(cluster, shop, shop_on):
    """Without that no DDL is begun, and what gives it is said."""
    accounts = shop.cli("doctor", "--grants", "--output", "json", *DEVELOPMENT).json["data"]["accounts"]
    (account,) = (each for each in accounts if each["command"] == "rollback")
    made = "\n".join(account["statements"]).replace(account["account"], "operator@'%'").replace("…", "Word-1")
    truth.execute(shop, "DROP USER IF EXISTS operator@'%'", *(each for each in made.split(";") if each.strip()))
    rollback = ("rollback", "--yes", "--output", "json", *DEVELOPMENT)
    named = {"RLOPS_URL": shop.url.replace("root", "operator:Word-1")}
    try:
        member = "SELECT ON performance_schema.replication_group_members"
        truth.execute(shop, f"REVOKE {member} FROM operator@'%'")
        refused = run_cli(*rollback, home=shop.home, env=named, check=4).json["error"]
        assert refused["code"] == "missing_privileges"
        assert "GRANT SELECT ON `performance_schema`.`replication_group_members`" in refused["hint"]
        truth.execute(shop, f"GRANT {member} TO operator@'%'")
        run_cli(*rollback, home=shop.home, env=named)
    finally:
        truth.execute(shop, "DROP USER operator@'%'")


@pytest.mark.kinds("galera", "group", "group-multi")
def test_a_look_at_the_cluster_that_fails_is_told_and_no_more(cluster, shop):
    with connect(shop) as session:
        cluster.writers[0].run(f"KILL {session.connection_id}")
        assert "the server said 20" in (writing._behind(session, sqlfiles.load(None, session.family)) or "")
