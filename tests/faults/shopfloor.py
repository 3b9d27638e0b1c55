"""Writers of a busy shop, each of which knows row for row what the interactions must hold of its own.

A writer owns every n-th user and product and writes interactions of those alone, so what it sees is what it did; all
of them refer to a few products that nobody deletes, whose rows they lock together. Errors that a writer didn't ask for,
and the longest that any statement took, are what the tests look at.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pymysql
from sessions import until

TABLE = "user_product_interactions"
NO_PARENT = 1452
DEADLOCK = {1213, 1020}
SHARED = 10  # products with the first ids, which stay
SPACE = 10_000_000_000  # ids that a writer gives are its own; below zero, so that no counter goes on from them
START = datetime(2026, 1, 15)
DAYS = 300

Row = tuple[Any, ...]  # user_id, product_id, interaction_type, session_id, timestamp, reward


@dataclass
class Seen:
    """What happened to a writer."""

    statements: int = 0
    commits: int = 0
    rollbacks: int = 0
    refused: int = 0
    deadlocks: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    stalls: list[tuple[float, str]] = field(default_factory=list)


class Writer(threading.Thread):
    """One session. `rows` is the model: id to row, of what is committed."""

    def __init__(self, floor: Floor, number: int, seed: int) -> None:
        super().__init__(daemon=True, name=f"writer {number}")
        self.floor, self.number = floor, number
        self.random = random.Random(f"{seed}/{number}")
        self.rows: dict[int, Row] = {}
        self.users: set[int] = set()
        self.products: set[int] = set()
        self.next_id = -SPACE * (number + 1)
        self.seen = Seen()
        self.last = ""

    def run(self) -> None:
        connection = self.floor.database.connect(autocommit=False)
        with connection, connection.cursor() as cursor:
            while not self.floor.stop.is_set():
                self._transaction(connection, cursor)
                if self.floor.pause:  # shoppers think, and two cores are to serve the server too
                    time.sleep(self.random.random() * self.floor.pause)

    def _transaction(self, connection: Any, cursor: Any) -> None:
        rows, users, products = dict(self.rows), set(self.users), set(self.products)
        try:
            if self.random.random() < 0.3:  # a snapshot, older than what follows
                self._run(cursor, f"SELECT COUNT(*) FROM {TABLE} WHERE id = %s", (self.random.choice([*rows, 1]),))
                time.sleep(self.random.random() * self.floor.pause)  # it ages; nothing is waited for
            for _ in range(self.random.choice((1, 1, 2, 4))):
                self._do(cursor, rows, users, products)
            if self.random.random() < 0.1:
                self._timed(connection.rollback, "ROLLBACK")
                self.seen.rollbacks += 1
                return
            self._timed(connection.commit, "COMMIT")
        except pymysql.err.MySQLError as error:
            self._failed(connection, error)
            return
        self.seen.commits += 1
        self.rows, self.users, self.products = rows, users, products

    def _failed(self, connection: Any, error: Any) -> None:
        connection.rollback()
        if error.args[0] in DEADLOCK:
            self.seen.deadlocks.append(f"{error.args[0]} {self.last}\n{self.floor.deadlock()}")
        else:
            self.seen.errors.append(f"{error.args[0]}: {error.args[1] if len(error.args) > 1 else ''}")

    def _timed(self, action: Any, what: str) -> Any:
        began, self.last = time.monotonic(), what
        try:
            return action()
        finally:
            self.seen.statements += 1
            self.seen.stalls.append((time.monotonic() - began, what))
            self.seen.stalls = sorted(self.seen.stalls, reverse=True)[:3]

    def _run(self, cursor: Any, sql: str, values: Any = None) -> int:
        return int(self._timed(lambda: cursor.execute(sql, values), sql))

    def _do(self, cursor: Any, rows: dict[int, Row], users: set[int], products: set[int]) -> None:
        kinds = (
            self._insert,
            self._update,
            self._again,
            self._key,
            self._remove,
            self._parents,
            self._replace,
            self._stranger,
        )
        self.random.choices(kinds, (46, 20, 5, 5, 12, 6, 2, 4))[0](cursor, rows, users, products)

    def _when(self) -> datetime:
        return START + timedelta(days=self.random.randrange(DAYS), seconds=self.random.randrange(86_400))

    def _new(self, users: set[int], products: set[int]) -> Row:
        product = self.random.choice((*sorted(products), *range(1, SHARED + 1)))
        return (
            self.random.choice(sorted(users)),
            product,
            "VIEW",
            f"s{self.random.randrange(9999)}",
            self._when(),
            Decimal("0.10"),
        )

    def _insert(self, cursor: Any, rows: dict[int, Row], users: set[int], products: set[int]) -> None:
        if not users:
            return
        many = [self._new(users, products) for _ in range(self.random.choice((1, 1, 1, 5, 20)))]
        sql = f"INSERT INTO {TABLE} (user_id, product_id, interaction_type, session_id, timestamp, reward) VALUES "
        for row in many:  # one by one, so that each one's id is known
            self._run(cursor, sql + "(%s, %s, %s, %s, %s, %s)", row)
            rows[cursor.lastrowid] = row

    def _update(self, cursor: Any, rows: dict[int, Row], users: set[int], products: set[int]) -> None:
        for number in self._some(rows):
            user, product, kind, session, when, reward = rows[number]
            what = self.random.randrange(3)
            if what == 0:
                when = self._when()
            elif what == 1:
                reward = Decimal(self.random.randrange(1000)) / 100
            elif users:
                user = self.random.choice(sorted(users))
            row = (user, product, kind, session, when, reward)
            self._run(
                cursor,
                f"UPDATE {TABLE} SET user_id = %s, timestamp = %s, reward = %s WHERE id = %s",
                (user, when, reward, number),
            )
            rows[number] = row

    def _again(self, cursor: Any, rows: dict[int, Row], users: set[int], products: set[int]) -> None:
        """The statements that insert, update or delete, as the server finds."""
        names = "(id, user_id, product_id, interaction_type, session_id, timestamp, reward)"
        for number in self._some(rows)[:1]:
            row = (*rows[number][:5], Decimal(self.random.randrange(1000)) / 100)
            what = self.random.choice((
                f"REPLACE INTO {TABLE} {names} VALUES (%s, %s, %s, %s, %s, %s, %s)",
                f"INSERT INTO {TABLE} {names} VALUES (%s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE reward = VALUES(reward)",
            ))  # fmt: skip
            self._run(cursor, what, (number, *row))
            rows[number] = row

    def _replace(self, cursor: Any, rows: dict[int, Row], users: set[int], products: set[int]) -> None:
        """MySQL lets a replaced user's rows live while a foreign key holds them; elsewhere they go with it."""
        if not users:
            return
        user = self.random.choice(sorted(users))
        self._run(cursor, "REPLACE INTO users (id, email) VALUES (%s, 'again')", (user,))
        mine = [number for number, row in rows.items() if row[0] == user]
        self._run(cursor, f"SELECT id FROM {TABLE} WHERE user_id = %s FOR UPDATE", (user,))
        left = {each["id"] for each in cursor.fetchall()}
        if left and left != set(mine):
            self.seen.errors.append(f"a replaced user kept {len(left)} of {len(mine)} rows")
        for number in set(mine) - left:
            del rows[number]

    def _key(self, cursor: Any, rows: dict[int, Row], users: set[int], products: set[int]) -> None:
        for number in self._some(rows)[:1]:
            self.next_id -= 1
            self._run(cursor, f"UPDATE {TABLE} SET id = %s WHERE id = %s", (self.next_id, number))
            rows[self.next_id] = rows.pop(number)

    def _remove(self, cursor: Any, rows: dict[int, Row], users: set[int], products: set[int]) -> None:
        for number in self._some(rows):
            self._run(cursor, f"DELETE FROM {TABLE} WHERE id = %s", (number,))
            del rows[number]

    def _parents(self, cursor: Any, rows: dict[int, Row], users: set[int], products: set[int]) -> None:
        table, own, at = self.random.choice((("users", users, 0), ("product", products, 1)))
        if own and self.random.random() < 0.3:
            column = "email" if table == "users" else "name"
            self._run(cursor, f"UPDATE {table} SET {column} = 'new' WHERE id = %s", (self.random.choice(sorted(own)),))
            return
        if len(own) > 3 and self.random.random() < 0.5:
            gone = self.random.choice(sorted(own))
            self._run(cursor, f"DELETE FROM {table} WHERE id = %s", (gone,))
            own.discard(gone)
            for number in [number for number, row in rows.items() if row[at] == gone]:
                del rows[number]
            return
        self.next_id -= 1
        self._run(cursor, f"INSERT INTO {table} (id) VALUES (%s)", (self.next_id,))
        own.add(self.next_id)

    def _stranger(self, cursor: Any, rows: dict[int, Row], users: set[int], products: set[int]) -> None:
        if not users:
            return
        row = (-1, *self._new(users, products)[1:])
        try:
            self._run(
                cursor, f"INSERT INTO {TABLE} (user_id, product_id, interaction_type, session_id, timestamp, reward)"
                " VALUES (%s, %s, %s, %s, %s, %s)", row,
            )  # fmt: skip
        except pymysql.err.MySQLError as error:
            if error.args[0] != NO_PARENT:
                raise
            self.seen.refused += 1
            return
        self.seen.errors.append("an interaction of an unknown user was taken")

    def _some(self, rows: dict[int, Row]) -> list[int]:
        return self.random.sample(self.floor.order(rows), min(len(rows), self.random.choice((1, 1, 3))))


class Floor:
    """The shop: `writers` of them, over `rows` interactions that are there before."""

    def __init__(self, database: Any, *, writers: int, seed: int, pause: float = 0.01) -> None:
        self.database, self.pause = database, pause
        self.stop = threading.Event()
        self.writers = [Writer(self, number, seed) for number in range(writers)]

    @staticmethod
    def order(rows: dict[int, Row]) -> list[int]:
        return list(rows)

    def fill(self, rows: int, users: int = 400, products: int = 100) -> None:
        """Parents and interactions, dealt out to the writers."""
        count = len(self.writers)
        with self.database.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET foreign_key_checks = 0")
            for table, most in (("users", users), ("product", products)):
                cursor.executemany(f"INSERT IGNORE INTO {table} (id) VALUES (%s)", [(n,) for n in range(1, most + 1)])
            for writer in self.writers:
                writer.users = {n for n in range(1, users + 1) if n % count == writer.number}
                writer.products = {n for n in range(SHARED + 1, products + 1) if n % count == writer.number}
            sql = f"INSERT INTO {TABLE} (id, user_id, product_id, interaction_type, session_id, timestamp, reward) VALUES "
            for first in range(1, rows + 1, 1000):
                batch = []
                for number in range(first, min(first + 1000, rows + 1)):
                    writer = self.writers[number % count]
                    row = writer._new(writer.users, writer.products)
                    writer.rows[number] = row
                    batch.append((number, *row))
                cursor.execute(
                    sql + ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(batch)), [v for row in batch for v in row]
                )

    def relief(self, seed: int) -> Floor:
        """New writers who know what these have done."""
        floor = Floor(self.database, writers=len(self.writers), seed=seed, pause=self.pause)
        for old, new in zip(self.writers, floor.writers, strict=True):
            new.rows, new.users, new.products, new.next_id = old.rows, old.users, old.products, old.next_id
        return floor

    def __enter__(self) -> Floor:
        self.before = self.deadlock()
        for writer in self.writers:
            writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for writer in self.writers:
            writer.join(120)

    def go_on(self, transactions: int = 10) -> None:
        """Wait until every writer has committed so many more: for what is to be seen under traffic, at any speed."""
        seen = [writer.seen.commits + transactions for writer in self.writers]
        until(
            lambda: all(writer.seen.commits >= most for writer, most in zip(self.writers, seen, strict=True)),
            f"each writer commits {transactions} more",
        )

    def deadlock(self) -> str:
        """What InnoDB says of the latest deadlock."""
        with self.database.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SHOW ENGINE INNODB STATUS")
            text = str(cursor.fetchone()["Status"])
        return text.partition("LATEST DETECTED DEADLOCK")[2].partition("\nTRANSACTIONS\n")[0]

    def expected(self) -> dict[int, Row]:
        return {number: row for writer in self.writers for number, row in writer.rows.items()}

    def differences(self, table: str = TABLE) -> list[str]:
        """How the table differs from what the writers know, and orphans."""
        sql = f"SELECT id, user_id, product_id, interaction_type, session_id, timestamp, reward FROM {table}"
        found: dict[int, Row] = {}
        double = []
        for row in self.database.query(sql):
            number, *rest = row.values()
            double += [number] if number in found else []
            found[number] = tuple(rest)
        wanted = self.expected()
        wrong = [number for number in found.keys() & wanted.keys() if found[number] != wanted[number]]
        lost, more = wanted.keys() - found.keys(), found.keys() - wanted.keys()
        said = [
            f"{what}: {len(which)}, such as {sorted(which)[:3]}"
            for what, which in (("double", double), ("wrong", wrong), ("lost", lost), ("too many", more)) if which
        ]  # fmt: skip
        for column, parent in (("user_id", "users"), ("product_id", "product")):
            orphans = self.database.query(
                f"SELECT COUNT(*) AS n FROM {table} WHERE {column} NOT IN (SELECT id FROM {parent})"
            )[0]["n"]
            said += [f"orphans by {column}: {orphans}"] if orphans else []
        return said

    def summary(self) -> dict[str, Any]:
        seen = [writer.seen for writer in self.writers]
        stall, what = max((stall for each in seen for stall in each.stalls), default=(0.0, ""))
        return {
            "statements": sum(each.statements for each in seen), "commits": sum(each.commits for each in seen),
            "refused": sum(each.refused for each in seen), "deadlocks": [d for each in seen for d in each.deadlocks],
            "errors": [e for each in seen for e in each.errors], "longest_stall": round(stall, 3), "of": what[:80],
        }  # fmt: skip
