"""The clusters are real: what one node commits all of them hold, and a minority takes no writes."""

from __future__ import annotations

import pymysql
import pytest

from clusters.rig import until

INSERT = "INSERT INTO users (email) VALUES ('{}')"
CHANGE = "UPDATE users SET email = '{}' WHERE id = 1"


def emails(cluster, name):
    return [node.run("SELECT email FROM users WHERE id = 1", database=name)[0]["email"] for node in cluster.nodes]


@pytest.fixture
def name(shop_on, cluster):
    """The schema's."""
    return shop_on(cluster.nodes[0]).name


def test_every_node_holds_what_one_commits(cluster, name):
    for number, node in enumerate(cluster.writers):
        node.run(CHANGE.format(f"change {number}"), database=name)
        cluster.await_synced()
        assert emails(cluster, name) == [f"change {number}"] * 3
    assert cluster.equal(name)


def test_rlops_runs_against_a_node(cluster, shop_on, name):
    shop = shop_on(cluster.writers[0])
    shop.cli("migrate", "--environment", "development")
    cluster.await_synced()
    assert cluster.equal(name)
    assert "user_product_interactions" in cluster.nodes[2].contents(name)


def test_a_killed_node_comes_back_equal(cluster, name):
    killed = cluster.nodes[2]
    killed.kill9()
    until(lambda: cluster.nodes[0].run(CHANGE.format("missed"), database=name) == [], "the others go on")
    killed.restart()
    cluster.await_synced()
    assert emails(cluster, name) == ["missed"] * 3
    assert cluster.equal(name)


@pytest.mark.kinds("galera", "group", "group-multi")
def test_a_node_that_is_cut_off_takes_no_writes_and_comes_back(cluster, name):
    lost = cluster.nodes[2]
    lost.cut_off()
    until(lambda: not cluster.accepts(lost), "it knows that it is alone")
    with pytest.raises(pymysql.err.MySQLError):
        lost.run(INSERT.format("of a minority"), database=name, read_timeout=10)
    cluster.nodes[0].run(CHANGE.format("of the majority"), database=name)
    lost.heal()
    cluster.await_synced()
    assert emails(cluster, name) == ["of the majority"] * 3
    assert cluster.equal(name)


def test_a_node_that_stands_still_catches_up(cluster, name):
    still = cluster.nodes[2]
    still.stop_signal()
    until(lambda: cluster.nodes[0].run(CHANGE.format("meanwhile"), database=name) == [], "the others go on")
    still.cont_signal()
    cluster.await_synced()
    assert emails(cluster, name) == ["meanwhile"] * 3
    assert cluster.equal(name)


@pytest.mark.kinds("replicas-mysql", "replicas-mariadb")
def test_a_replica_that_is_cut_off_is_behind_until_it_is_not(cluster, name):
    lost = cluster.nodes[2]
    lost.cut_off()
    cluster.nodes[0].run(CHANGE.format("unheard"), database=name)
    until(lambda: emails(cluster, name)[1] == "unheard", "the other replica has it")
    assert emails(cluster, name)[2] != "unheard"
    assert not cluster.equal(name)
    lost.heal()
    cluster.await_synced()
    assert cluster.equal(name)


@pytest.mark.parametrize("many", [2, 3])
def test_it_is_repaired_after_many_deaths(cluster, name, many):
    cluster.writers[0].run(CHANGE.format("before"), database=name)
    cluster.await_synced()
    for node in cluster.nodes[:many]:
        node.kill9()
    cluster.repair()
    assert emails(cluster, name) == ["before"] * 3
    assert cluster.equal(name)


@pytest.mark.kinds("galera")
def test_a_node_that_lost_its_state_is_sent_a_copy(cluster, name):
    def copies():
        return lost.server.log.read_text().count("rsync SST completed on joiner")

    lost = cluster.nodes[1]
    lost.kill9()
    (lost.server.directory / "data/grastate.dat").unlink()
    before = copies()
    lost.restart()
    cluster.await_synced()
    assert cluster.equal(name)
    assert copies() == before + 1
