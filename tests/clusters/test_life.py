"""The whole life of the tables on a cluster: each command does its work or refuses with a reason, and all nodes stay equal."""

from __future__ import annotations

import pytest
import truth

DEVELOPMENT = ("--environment", "development")


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
    shop.cli("archive", "run", "--yes", *DEVELOPMENT)
    done = shop.cli("cleanup", "--months", "12", "--yes", "--output", "json", *DEVELOPMENT).json
    assert done["data"]["deleted_rows"] == 40
    shop.cli("purge", "--user", "1", "--yes", *DEVELOPMENT)
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
    assert engine["kind"] == cluster.kind
    assert engine["can"]["run lock"].startswith("a lease")
    assert "cluster" in shop.cli("doctor", check=None).stdout
