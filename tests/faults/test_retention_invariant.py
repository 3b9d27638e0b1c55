"""Whatever runs, dies, writes or restarts: a row that the shop didn't delete is in the table with its latest values, or
was removed and is in the archive exactly once, with the values that it was removed with.
"""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from bookkeeping import HABITS, Invariant, Shop
from conftest import ShopDatabase, fill_shop
from launcher import Launcher
from scenarios import PlainDatabase

from rlops.sandbox.server import RunningServer

SEED = 20260901
ROUNDS = 8  # in the normal suite


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with Launcher() as started:
        yield started


def begun(database: Any, launcher: Launcher, form: str = "keys") -> Invariant:
    if not isinstance(database.server, RunningServer) or database.server.port is None:
        pytest.skip("wants a server of ours that listens on TCP")
    plain = PlainDatabase(database.server, database.name, database.home, database.opened)
    plain.install("production")
    numbers = random.Random(f"{SEED} {os.environ.get('RLOPS_SEED', '')}")
    again = () if form == "months" else ("again",)  # a partitioned table takes an id twice, at different times
    shop = Shop(plain, numbers, (*HABITS, *again, "leave"))
    with plain.connect() as connection, connection.cursor() as cursor:
        for _ in range(300):
            shop.late(cursor)
        for _ in range(20):
            shop.insert(cursor)
    if form == "months":
        plain.cli("partition", "enable", "--offline", "--confirm", plain.name)
    return Invariant(plain, launcher, numbers, shop)


def told(invariant: Invariant, rounds: int) -> str:
    return (
        f"{invariant.database.server.label}: {rounds} rounds, {dict(invariant.ends)}; the shop did {dict(invariant.shop.did)};"
        f" {invariant.removed} rows were removed by retention"
    )


def test_every_row_is_live_or_archived_once(database, launcher, record_property):
    invariant, problems = begun(database, launcher), []
    for number in range(ROUNDS):
        problems += [f"round {number}: {problem}" for problem in invariant.round()]
        assert problems == [], told(invariant, number + 1)
    assert invariant.finish() == []
    assert invariant.removed > 100, told(invariant, ROUNDS)
    record_property("invariant", told(invariant, ROUNDS))


@pytest.mark.torture
@pytest.mark.parametrize("form", ["keys", "months"])
def test_every_row_is_live_or_archived_once_for_long(server, start_server, launcher, tmp_path, capsys, form):
    if not isinstance(server, RunningServer) or server.port is None:
        pytest.skip("wants a server of ours that listens on TCP")
    # A server that is killed is to lose nothing of what it has committed.
    own = start_server(server.label, "--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1")
    database = ShopDatabase(own, f"t_{uuid.uuid4().hex[:12]}", tmp_path)
    fill_shop(database)
    invariant = begun(database, launcher, form)
    rounds = int(os.environ.get("RLOPS_ROUNDS", "150"))
    for number in range(rounds):
        problems = invariant.server_dies() if number % 10 == 5 else invariant.round()
        problems += invariant.finish() if number % 10 == 9 else []
        assert problems == [], told(invariant, number + 1)
    assert invariant.finish() == []
    with capsys.disabled():
        print("\n" + told(invariant, rounds))
