"""The whole life of the tables on a cluster: each command does its work or refuses with a reason, and all nodes stay equal."""

from __future__ import annotations

import pytest
import truth

from clusters.scene import DEVELOPMENT, KINDS, paced


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
