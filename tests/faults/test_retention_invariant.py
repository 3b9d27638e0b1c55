"""Whatever runs, dies, writes or restarts: a row that the shop didn't delete is in the table with its latest values, or
was removed and is in the archive exactly once, with the values that it was removed with.

The shop's own book of every row is kept here, from what each of its statements did; table and archive are read by SQL
and DuckDB. Nothing of rlops is used to judge rlops.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import coldstore
import pymysql
import pytest
import truth
from conftest import ShopDatabase, fill_shop
from launcher import Launcher
from scenarios import PlainDatabase, small_parts
from test_kill_matrix import wait_until_alone
from truth import TABLES

from rlops.sandbox.server import RunningServer

INTERACTIONS = TABLES[0]
SEED = 20260901
ROUNDS = 8  # in the normal suite
WRITES = 50  # a second, of the shop's; parts of a few rows can't keep up with many more late ones
MONTHS = [datetime(2020, month, 1) for month in range(1, 7)]
YOUNG = datetime(2098, 1, 1)
COLUMNS = coldstore.COLUMNS.split(", ")
GOOD = {0, 1, 3, 6, -signal.SIGKILL}  # how a command may end here; 3: a job goes on with an older cutoff


@dataclass
class Shop:
    """Writes at random, and keeps book. A row that is None was deleted by the shop."""

    database: Any
    numbers: random.Random
    book: dict[int, tuple[Any, ...] | None] = field(default_factory=dict)
    did: Counter[str] = field(default_factory=Counter)
    serial: int = 0

    def act(self, connection: Any) -> None:
        what = self.numbers.choice(["insert", "late", "update", "update", "move", "delete", "again"])
        with connection.cursor() as cursor:
            getattr(self, what)(cursor)

    def row(self, number: int, when: datetime) -> tuple[Any, ...]:
        self.serial += 1
        context = f'{{"page": {self.serial}}}'
        reward = Decimal(self.numbers.randrange(-1000, 1000)) / 100
        return (
            number,
            1 + self.serial % 20,
            1 + self.serial % 19,
            "VIEW",
            f"s'\"{self.serial}\n",
            when,
            context,
            reward,
        )

    def put(self, cursor: Any, when: datetime, number: int | None = None) -> None:
        row = self.row(number or max(self.book, default=0) + 1, when)
        try:
            cursor.execute(f"INSERT INTO {INTERACTIONS} ({coldstore.COLUMNS}) VALUES ({', '.join(['%s'] * 8)})", row)
        except pymysql.err.IntegrityError:
            return  # an id brought back while it is still there
        self.book[row[0]] = row

    def some_time(self) -> datetime:
        return self.numbers.choice(MONTHS) + timedelta(seconds=self.numbers.randrange(27 * 86_400))

    def insert(self, cursor: Any) -> None:
        self.put(cursor, YOUNG + timedelta(seconds=self.serial))
        self.did["insert"] += 1

    def late(self, cursor: Any) -> None:
        self.put(cursor, self.some_time())
        self.did["late insert"] += 1

    def again(self, cursor: Any) -> None:
        """An id that was there before, and isn't now, comes back with other values."""
        if number := self._any():
            self.put(cursor, self.some_time(), number)
            self.did["again"] += 1

    def update(self, cursor: Any) -> None:
        self._change(cursor, move=False)

    def move(self, cursor: Any) -> None:
        self._change(cursor, move=True)

    def _any(self) -> int | None:
        return self.numbers.choice(list(self.book)) if self.book else None

    def _change(self, cursor: Any, *, move: bool) -> None:
        number = self._any()
        known = self.book.get(number or 0)
        if not number or known is None:
            return
        row = self.row(number, self.some_time() if move else known[5])
        setting = ", ".join(f"{name} = %s" for name in COLUMNS[1:])
        if cursor.execute(f"UPDATE {INTERACTIONS} SET {setting} WHERE id = %s", (*row[1:], number)):
            self.book[number] = row
            self.did["move" if move else "update"] += 1

    def delete(self, cursor: Any) -> None:
        number = self._any()
        if number and cursor.execute(f"DELETE FROM {INTERACTIONS} WHERE id = %s", (number,)):
            self.book[number] = None
            self.did["delete"] += 1


@dataclass
class Invariant:
    """Rounds of shop and rlops, and after each of them the check."""

    database: Any
    launcher: Launcher
    numbers: random.Random
    shop: Shop
    ends: Counter[str] = field(default_factory=Counter)
    kinds: list[str] = field(default_factory=list)
    removed: int = 0

    @property
    def root(self) -> Any:
        return self.database.home / "cold"

    def command(self, kind: str) -> tuple[str, ...]:
        name, _, product = kind.partition(" ")
        words = {
            "archive": ("archive", "run", "--months", "6"),
            "cleanup": ("cleanup", "--months", "12", "--confirm", self.database.name),
            "purge": ("purge", "--product", product, "--confirm", self.database.name),
        }[name]
        return (*words, "--to", str(self.root), "--sql-dir", str(small_parts(self.database.home)), "--output", "json")

    def run(self, kind: str, kill_after: float | None) -> int:
        database = self.database
        url = f"mysql://root@127.0.0.1:{database.server.port}/{database.name}"
        arguments = (*self.command(kind), "--url", url, "--ssl-mode", "DISABLED")
        victim = self.launcher.begin(arguments, database.home, {"HOME": str(database.home), "LANG": "C.UTF-8"})
        if kill_after is not None:
            time.sleep(kill_after)  # a random moment of the run, which the kill is to hit
            with suppress(ProcessLookupError):  # it has ended by then
                os.kill(victim, signal.SIGKILL)
        return self.launcher.end()

    def round(self) -> list[str]:
        if not self.kinds:
            self.kinds = ["archive", "cleanup", "cleanup", "purge"]
            self.numbers.shuffle(self.kinds)
        kind = self.named(self.kinds.pop())
        kill_after = self.numbers.choice([None, *(self.numbers.uniform(0.1, 3.0) for _ in range(3))])
        stop = threading.Event()
        failures: list[Exception] = []

        def write() -> None:
            try:
                with self.database.connect() as connection:
                    while not stop.is_set():
                        try:
                            self.shop.act(connection)
                        except pymysql.err.OperationalError as error:
                            if error.args[0] not in (1205, 1213):  # rolled back: nothing to note
                                raise
                        stop.wait(1 / WRITES)
            except Exception as error:
                failures.append(error)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            code = self.run(kind, kill_after)
        finally:
            stop.set()
            writer.join()
        wait_until_alone(self.database)
        self.ends[f"{kind.partition(' ')[0]} {'killed' if code < 0 else code}"] += 1
        problems = [f"the shop failed: {error!r}" for error in failures]
        if code not in GOOD:
            problems.append(f"{kind} ended with {code}: {(self.database.home / 'stdout').read_text()}")
        return problems + self.wrong()

    def named(self, kind: str) -> str:
        return f"{kind} {self.numbers.randrange(1, 20)}" if kind == "purge" else kind

    def server_dies(self) -> list[str]:
        """The server is killed in mid-run and comes back; the run goes on, or the next one does."""
        kind, wait = self.named(self.numbers.choice(["archive", "cleanup", "purge"])), self.numbers.uniform(0.2, 2.0)
        with self.database.connect() as connection:
            for _ in range(30):
                self.shop.act(connection)

        def strike() -> None:
            time.sleep(wait)  # a random moment of the run, which the death is to hit
            self.database.server.kill9()
            self.database.server.restart()

        striker = threading.Thread(target=strike)
        striker.start()
        code = self.run(kind, None)
        striker.join()
        wait_until_alone(self.database)
        self.ends[f"{kind.partition(' ')[0]}, the server killed: {code}"] += 1
        return ([] if code in {*GOOD, 4} else [f"{kind} ended with {code}"]) + self.wrong()

    def wrong(self) -> list[str]:
        query = f"SELECT {coldstore.COLUMNS} FROM {INTERACTIONS}"
        live = {row["id"]: tuple(row.values()) for row in self.database.query(query)}
        cold: dict[int, list[tuple[Any, ...]]] = {}
        for row in coldstore.rows(self.root):
            cold.setdefault(row[0], []).append(row)
        found = coldstore.problems(self.root) if self.root.exists() else []
        for number, row in self.shop.book.items():
            if row is None:
                if number in live:
                    found.append(f"row {number} came back")
            elif number in live:
                if live[number] != row:
                    found.append(f"row {number} is {live[number]} instead of {row}")
            elif cold.get(number) != [row]:
                found.append(f"row {number} is gone, and the archive has {cold.get(number)} instead of {row}")
        unknown = (set(live) | set(cold)) - set(self.shop.book)
        self.removed = sum(1 for number, row in self.shop.book.items() if row is not None and number not in live)
        return found + ([f"rows that the shop never wrote: {unknown}"] if unknown else [])

    def finish(self) -> list[str]:
        """Undisturbed to the end: nothing is expired, and every archived row is there once."""
        begun = "SELECT DISTINCT only_id AS product FROM rlops_part WHERE only_id IS NOT NULL AND state <> 'done'"
        purges = [f"purge {row['product']}" for row in self.database.query(begun)]
        found = [f"{kind} ended with {code}" for kind in purges if (code := self.run(kind, None))]
        for _ in range(3):
            code = self.run("cleanup", None)
            if code == 0:
                break
        found += [f"the last run ended with {code}"] if code else []
        left = truth.count(self.database, INTERACTIONS, "timestamp < '2021-01-01'")
        rows = coldstore.rows(self.root)
        twice = [number for number, count in Counter(row[0] for row in rows).items() if count > 1]
        answer = self.database.cli("archive", "verify", "--output", "json", check=None)
        return [
            *found, *self.wrong(), *coldstore.unpublished(self.root),
            *([f"{left} expired rows are left"] if left else []), *([f"twice in the archive: {twice}"] if twice else []),
            *([f"archive verify: {answer.json['data']}"] if answer.returncode else []),
        ]  # fmt: skip


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with Launcher() as started:
        yield started


def begun(database: Any, launcher: Launcher) -> Invariant:
    if not isinstance(database.server, RunningServer) or database.server.port is None:
        pytest.skip("wants a server of ours that listens on TCP")
    plain = PlainDatabase(database.server, database.name, database.home, database.opened)
    plain.install("production")
    numbers = random.Random(f"{SEED} {os.environ.get('RLOPS_SEED', '')}")
    shop = Shop(plain, numbers)
    with plain.connect() as connection, connection.cursor() as cursor:
        for _ in range(300):
            shop.late(cursor)
        for _ in range(20):
            shop.insert(cursor)
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
def test_every_row_is_live_or_archived_once_for_long(server, start_server, launcher, tmp_path, capsys):
    if not isinstance(server, RunningServer) or server.port is None:
        pytest.skip("wants a server of ours that listens on TCP")
    # A server that is killed is to lose nothing of what it has committed.
    own = start_server(server.label, "--innodb-flush-log-at-trx-commit=1", "--sync-binlog=1")
    database = ShopDatabase(own, f"t_{uuid.uuid4().hex[:12]}", tmp_path)
    fill_shop(database)
    invariant = begun(database, launcher)
    rounds = int(os.environ.get("RLOPS_ROUNDS", "150"))
    for number in range(rounds):
        problems = invariant.server_dies() if number % 10 == 5 else invariant.round()
        problems += invariant.finish() if number % 10 == 9 else []
        assert problems == [], told(invariant, number + 1)
    assert invariant.finish() == []
    with capsys.disabled():
        print("\n" + told(invariant, rounds))
