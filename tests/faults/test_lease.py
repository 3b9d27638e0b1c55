"""The run lock as a lease, where GET_LOCK can't be it: seekdb here, clusters in tests/clusters."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
import truth
from proxy import PATIENCE, Proxy
from sessions import Holder, answer, begin, connect, ours, until

from rlops import db, engines, lease, lock
from rlops.settings import resolve

__all__ = ["ours"]

ROWS = 20_000
CLEANUP = ("cleanup", "--months", "12", "--yes", "--no-archive")


@pytest.fixture
def filled(database):
    if database.server.family != "oceanbase":
        pytest.skip("its run lock is GET_LOCK")
    database.install()
    truth.fill(database, "2099-01-01 00:00:00", models=0, features=0)
    truth.fill_many(database, ROWS, "2020-01-01 00:00:00", apart=1)
    return database


def under_way(database):
    return any(0 < row["done_rows"] < ROWS for row in database.query("SELECT done_rows FROM rlops_job"))


def test_a_killed_run_leaves_a_lease_that_the_next_one_takes_at_once(filled):
    process = begin(filled, *CLEANUP)
    until(lambda: under_way(filled), "it has deleted something")
    process.kill()
    process.communicate()
    assert answer(begin(filled, *CLEANUP))["data"]["resumed"]
    assert truth.count(filled, "user_product_interactions") == 1


def test_an_older_rlops_table_is_made_anew(filled):
    truth.execute(
        filled,
        f"DROP TABLE {lease.TABLE}",
        f"CREATE TABLE {lease.TABLE} (name VARCHAR(64) NOT NULL PRIMARY KEY, connection_id BIGINT NOT NULL, taken_at DATETIME(6))",
    )
    assert answer(begin(filled, *CLEANUP))["exit_code"] == 0


def take_leases(database, monkeypatch):
    """Take the server for one whose run lock is a lease, which asks nothing special of it."""
    family = database.server.family
    monkeypatch.setitem(engines.CAPABILITIES, family, replace(engines.CAPABILITIES[family], run_lock="lease"))


def test_an_export_may_outlast_a_renewal(ours, monkeypatch):
    """Its transaction is older than the lease's row that it confirms, which MariaDB refuses by default (1020)."""
    take_leases(ours, monkeypatch)
    monkeypatch.setattr(lease, "RENEW_EVERY", 0.1)
    ours.install()
    truth.fill_many(ours, ROWS, "2024-01-01 00:00:00", apart=1)
    ours.cli("archive", "run", "--to", str(ours.home / "cold"), "--retry-for", "5")
    assert ours.query(f"SELECT renewals FROM {lease.TABLE}")[0]["renewals"] > 10


@contextmanager
def falling_silent(database, monkeypatch):
    """A session that takes leases, short ones, and what makes the server answer nobody any more."""
    take_leases(database, monkeypatch)
    for name, seconds in (("SECONDS", 2.0), ("RENEW_EVERY", 0.3), ("ANSWER_WITHIN", 0.5)):
        monkeypatch.setattr(lease, name, seconds)
    speaks = threading.Event()
    speaks.set()
    with Proxy(database.server.port, ahead=lambda _: void(speaks.wait(PATIENCE))) as proxy:
        url = f"mysql://root@127.0.0.1:{proxy.port}/{database.name}"
        target = resolve({"url": url, "ssl_mode": "DISABLED"}, environ={}, cwd=database.home, home=database.home)
        try:
            with db.connect(target, program="test") as session:
                yield session, speaks.clear
        finally:
            speaks.set()


def void(_):
    return None


def test_the_wait_for_an_answer_ends_with_the_lease_where_the_server_is_out_of_reach(ours, monkeypatch):
    with falling_silent(ours, monkeypatch) as (session, silence), lock.run_lock(session):
        began = time.monotonic()
        threading.Timer(0.5, silence).start()
        with pytest.raises(db.Lost):
            while time.monotonic() - began < PATIENCE / 2:
                session.value("SELECT 1")
        assert 2 < time.monotonic() - began < PATIENCE / 2


def test_it_does_not_end_while_the_server_answers_others(ours, monkeypatch):
    """As a cluster does while a long DDL holds up every other writer."""
    with falling_silent(ours, monkeypatch) as (session, _), lock.run_lock(session):
        holder = Holder(ours, f"SELECT * FROM {lease.TABLE} FOR UPDATE")  # nobody renews it
        assert session.value("SELECT SLEEP(5)") == 0
        holder.end()


def test_a_lease_is_given_back_in_bounded_time(ours, monkeypatch):
    with falling_silent(ours, monkeypatch) as (session, silence):
        with lock.run_lock(session):
            silence()
            began = time.monotonic()
        assert time.monotonic() - began < PATIENCE / 2


def test_the_wait_for_an_answer_is_ended_over_tls_too(ours):
    with connect(ours) as session:
        assert session.encrypted
        assert not session.hang_up()
        began = time.monotonic()
        threading.Timer(0.5, session.hang_up).start()
        with pytest.raises(db.Lost):
            session.value("SELECT SLEEP(60)")
        assert time.monotonic() - began < PATIENCE / 2
