"""A shop that keeps book of every row, from what each of its statements did, and rounds of rlops beside it.

Table and archive are read by SQL and DuckDB. Nothing of rlops is used to judge rlops.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import coldstore
import pymysql
import truth
from launcher import Launcher
from scenarios import small_parts
from test_kill_matrix import wait_until_alone
from truth import TABLES, month

INTERACTIONS = TABLES[0]
WRITES = 50  # a second, of the shop's; parts of a few rows can't keep up with many more late ones
MONTHS = [month(number) for number in range(-19, -13)]  # past the cutoff of a year
EDGE = month(-12)
YOUNG = datetime(2098, 1, 1)
COLUMNS = coldstore.COLUMNS.split(", ")
GOOD = {0, 1, 3, 6, -signal.SIGKILL}  # how a command may end here; 3: a job goes on with an older cutoff
REFUSED = {"restore": {5}, "release": {5}}  # a month that the archive hasn't, or that is on its way out
HABITS = ("insert", "late", "update", "update", "move", "delete")  # of a shop
COMMANDS = ("archive", "cleanup", "cleanup", "purge", "restore", "release", "erase")
STAY = 15  # users that are never deleted


@dataclass
class Shop:
    """Writes at random, and keeps book. A row that is None was deleted by the shop."""

    database: Any
    numbers: random.Random
    habits: tuple[str, ...]
    users: list[int] = field(default_factory=lambda: list(range(1, 21)))
    book: dict[int, tuple[Any, ...] | None] = field(default_factory=dict)
    did: Counter[str] = field(default_factory=Counter)
    serial: int = 0

    def act(self, connection: Any) -> None:
        what = self.numbers.choice(self.habits)
        with connection.cursor() as cursor:
            getattr(self, what)(cursor)

    def row(self, number: int, when: datetime) -> tuple[Any, ...]:
        """A state of a row, which shares its user or its product with all others of that row."""
        self.serial += 1
        user, product = self.users[self.serial % len(self.users)], 1 + self.serial % 19
        user, product = (1 + number % STAY, product) if number % 2 else (user, 1 + number % 19)
        context = f'{{"page": {self.serial}}}'
        reward = Decimal(self.numbers.randrange(-1000, 1000)) / 100
        return (
            number,
            user,
            product,
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

    def leave(self, cursor: Any) -> None:
        """A user is deleted, and their interactions with them."""
        if len(self.users) > STAY and self.numbers.random() < 0.02:
            user = self.users.pop()
            cursor.execute("DELETE FROM users WHERE id = %s", (user,))
            self.book.update({number: None for number, row in self.book.items() if row and row[1] == user})
            self.did["users deleted"] += 1


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
        name, _, what = kind.partition(" ")
        words = {
            "archive": ("archive", "run", "--months", "6"),
            "cleanup": ("cleanup", "--months", "12", "--confirm", self.database.name),
            "purge": ("purge", "--product", what, "--confirm", self.database.name),
            "restore": ("archive", "restore", what, "--to-table", "live"),
            "release": ("archive", "restore", what, "--release"),
            "erase": ("archive", "erase", "--confirm", self.database.name),
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
            self.kinds = list(COMMANDS)
            self.numbers.shuffle(self.kinds)
        kind = self.named(self.kinds.pop())
        kill_after = self.numbers.choice([None, *(self.numbers.uniform(0.1, 3.0) for _ in range(3))])
        gone = set(range(1, 21)) - set(self.shop.users)
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
        name = kind.partition(" ")[0]
        self.ends[f"{name} {'killed' if code < 0 else code}"] += 1
        problems = [f"the shop failed: {error!r}" for error in failures]
        if code not in GOOD | REFUSED.get(name, set()):
            problems.append(f"{kind} ended with {code}: {(self.database.home / 'stdout').read_text()}")
        if name == "restore":
            self.brought_back()
        if name == "erase" and code == 0:
            problems += self.not_erased(gone)
        return problems + self.wrong()

    def named(self, kind: str) -> str:
        if kind == "purge":
            return f"{kind} {self.numbers.randrange(1, 20)}"
        return f"{kind} {self.numbers.choice(MONTHS):%Y-%m}" if kind in ("restore", "release") else kind

    def live(self) -> dict[int, tuple[Any, ...]]:
        query = f"SELECT {coldstore.COLUMNS} FROM {INTERACTIONS}"
        return {row["id"]: tuple(row.values()) for row in self.database.query(query)}

    def held(self) -> set[tuple[Any, ...]]:
        """The rows of months that are on their way out, of which some may be nowhere else yet."""
        on_its_way = self.database.query("SELECT value FROM rlops_state WHERE name = 'taking_out' AND value <> ''")
        tables = truth.tables(self.database) & {row["value"] for row in on_its_way}
        queries = (f"SELECT {coldstore.COLUMNS} FROM {truth.quoted(table)}" for table in tables)
        return {tuple(row.values()) for query in queries for row in self.database.query(query)}

    def brought_back(self) -> None:
        """A month comes back as it was archived, with what the shop has deleted since."""
        cold = set(coldstore.rows(self.root))
        for number, row in self.live().items():
            if row in cold and number in self.shop.book and self.shop.book[number] is None:
                self.shop.book[number] = row
                self.shop.did["brought back"] += 1

    def not_erased(self, gone: set[int]) -> list[str]:
        beside = [name for name in truth.tables(self.database) if name.startswith(f"{INTERACTIONS}__")]
        found = [f"{row} is in the archive" for row in coldstore.rows(self.root) if row[1] in gone]
        for table in beside:
            users = self.database.query(f"SELECT DISTINCT user_id FROM {truth.quoted(table)}")
            found += [f"{table} has user {row['user_id']}" for row in users if row["user_id"] in gone]
        return found

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
        live, held = self.live(), self.held()
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
            elif cold.get(number) != [row] and row not in held:
                found.append(f"row {number} is gone, and the archive has {cold.get(number)} instead of {row}")
        unknown = (set(live) | set(cold)) - set(self.shop.book)
        self.removed = sum(1 for number, row in self.shop.book.items() if row is not None and number not in live)
        return found + ([f"rows that the shop never wrote: {unknown}"] if unknown else [])

    def finish(self) -> list[str]:
        """Undisturbed to the end: nothing is expired, and every archived row is there once."""
        begun = "SELECT DISTINCT only_id AS product FROM rlops_part WHERE only_id IS NOT NULL AND state <> 'done'"
        purges = [f"purge {row['product']}" for row in self.database.query(begun)]
        restores = [
            f"{kind} {row['month']:%Y-%m}"
            for row in self.database.query("SELECT DISTINCT month FROM rlops_part WHERE held")
            for kind in ("restore", "release")
        ]
        found = []
        for kind in (*purges, *restores):
            code = self.run(kind, None)
            if code not in ({0, 3} if kind.startswith("restore") else {0}):  # 3: rows of other values are there by now
                found.append(f"{kind} ended with {code}: {(self.database.home / 'stdout').read_text()}")
        self.brought_back()
        for _ in range(3):
            code = self.run("cleanup", None)
            if code == 0:
                break
        found += [f"the last run ended with {code}"] if code else []
        left = truth.count(self.database, INTERACTIONS, f"timestamp < '{EDGE}'")
        rows = coldstore.rows(self.root)
        twice = [number for number, count in Counter(row[0] for row in rows).items() if count > 1]
        answer = self.database.cli("archive", "verify", "--output", "json", check=None)
        return [
            *found, *self.wrong(), *coldstore.unpublished(self.root),
            *([f"{left} expired rows are left"] if left else []), *([f"twice in the archive: {twice}"] if twice else []),
            *([f"archive verify: {answer.json['data']}"] if answer.returncode else []),
        ]  # fmt: skip
