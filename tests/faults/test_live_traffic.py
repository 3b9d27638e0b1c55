"""rollback, migrate and merge under a busy shop: every acknowledged row is found, and no statement on users ever fails."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql
import pytest
import truth
from sessions import answer, begin, ours, until
from truth import TABLES

__all__ = ["ours"]

INTERACTIONS = TABLES[0]
WRITERS = 8
ROUNDS, MANY = 3, 25
EXPECTED = {1146, 1452}  # between a rollback and a migrate there is no table; the user has just been deleted


class Shop:
    """Sessions that insert interactions, and one that deletes users and signs new ones up. What each was told is kept."""

    def __init__(self, database) -> None:
        self.database = database
        self.acknowledged: dict[int, tuple[int, str]] = {}  # id: user, session
        self.deleted: set[int] = set()
        self.users: list[int] = list(range(1, 21))
        self.strange: list[Exception] = []
        self.failed_on_users: list[Exception] = []
        self.statements_on_users = 0
        self.stop = threading.Event()
        self._lock = threading.Lock()

    def write(self, number: int) -> None:
        chance = random.Random(number)
        connection = self.database.connect(ssl_disabled=True)
        with connection.cursor() as cursor:
            sequence = 0
            while not self.stop.wait(0.002):
                sequence += 1
                user, session = chance.choice(self.users), f"{number}-{sequence}"
                try:
                    cursor.execute(
                        f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, session_id)"
                        " VALUES (%s, 1, 'VIEW', %s)",
                        (user, session),
                    )
                except pymysql.err.MySQLError as error:
                    if error.args[0] not in EXPECTED:
                        self.strange.append(error)
                    continue
                with self._lock:
                    self.acknowledged[cursor.lastrowid] = (user, session)

    def sign_up_and_delete(self) -> None:
        connection = self.database.connect(ssl_disabled=True)
        with connection.cursor() as cursor:
            while not self.stop.wait(0.02):
                try:
                    cursor.execute("INSERT INTO users (email) VALUES ('new')")
                    self.users = [*self.users[1:], cursor.lastrowid]
                    gone = self.users[0]
                    self.users = self.users[1:] + self.users[-1:]
                    self.deleted.add(gone)
                    cursor.execute("DELETE FROM users WHERE id = %s", (gone,))
                    cursor.execute("UPDATE users SET email = 'changed' WHERE id = %s", (self.users[-1],))
                    cursor.execute("SELECT COUNT(*) FROM product LOCK IN SHARE MODE")
                    self.statements_on_users += 4
                except pymysql.err.MySQLError as error:
                    self.failed_on_users.append(error)

    @contextmanager
    def open(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.write, args=(n,), daemon=True) for n in range(WRITERS)]
        threads.append(threading.Thread(target=self.sign_up_and_delete, daemon=True))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(60)

    def wait_for(self, more: int) -> None:
        seen = len(self.acknowledged)
        until(lambda: len(self.acknowledged) >= seen + more, f"{more} more rows were acknowledged")

    def problems(self) -> list[str]:
        """Rows that were acknowledged and are in no table, though their user is still there; and failures."""
        names = [
            name for name in truth.tables(self.database)
            if name == INTERACTIONS or name.startswith((f"{INTERACTIONS}__backup_", f"{INTERACTIONS}__set_aside_"))
        ]  # fmt: skip
        found = {row[0]: (row[1], row[4]) for name in names for row in truth.rows(self.database, name)}
        lost = {
            key: row for key, row in self.acknowledged.items() if found.get(key) != row and row[0] not in self.deleted
        }
        problems = [f"{len(lost)} of {len(self.acknowledged)} rows are lost: {sorted(lost)[:5]}"] if lost else []
        problems += [f"on users: {error}" for error in self.failed_on_users]
        return problems + [f"on the interactions: {error}" for error in self.strange]


def rounds(database, count: int, label: str) -> None:
    database.install()
    shop = Shop(database)
    with shop.open():
        for _ in range(count):
            shop.wait_for(100)
            done = answer(begin(database, "rollback", "--yes"))
            assert done["exit_code"] == 0, done["error"]
            done = answer(begin(database, "migrate"))
            assert done["exit_code"] == 0, done["error"]
        shop.wait_for(100)
    print(
        f"{label}: {count} rounds, {len(shop.acknowledged)} rows acknowledged, {shop.statements_on_users} statements on users"
    )
    assert shop.problems() == []
    assert shop.statements_on_users > count
    assert len(shop.deleted) > count
    backups = [name for name in truth.tables(database) if name.startswith(f"{INTERACTIONS}__backup_")]
    assert len(backups) == count
    assert not [name for name in backups if "FOREIGN KEY" in truth.definition(database, name)]


def test_rollback_while_the_shop_writes_and_deletes_users(ours):
    rounds(ours, ROUNDS, ours.server.label)


@pytest.mark.torture
def test_rollback_while_the_shop_writes_and_deletes_users_many_times(ours, capsys):
    with capsys.disabled():
        rounds(ours, MANY, ours.server.label)


def test_a_merge_while_the_shop_writes_and_deletes_users(ours):
    """Rows of the backup and new ones end in one table; what a deleted user took along is all that may be missing."""
    ours.install()
    truth.fill(ours, *(f"2026-01-01 00:00:{n % 60:02}" for n in range(4000)))
    shop = Shop(ours)
    with shop.open():
        shop.wait_for(100)
        done = answer(begin(ours, "rollback", "--yes"))
        assert done["exit_code"] == 0, done["error"]
        ours_again = answer(begin(ours, "migrate"))
        assert ours_again["exit_code"] == 0, ours_again["error"]
        shop.wait_for(100)
        merged = answer(begin(ours, "restore", "--merge"))
        assert merged["exit_code"] == 0, merged["error"]
        shop.wait_for(100)
    assert shop.problems() == []
    (backup,) = (name for name in truth.tables(ours) if name.startswith(f"{INTERACTIONS}__backup_"))
    users = {row["id"] for row in ours.query("SELECT id FROM users")}
    live = {row[0] for row in truth.rows(ours, INTERACTIONS)}
    missing = {row[0] for row in truth.rows(ours, backup) if row[1] in users} - live
    assert missing == set()
    assert truth.count(ours, INTERACTIONS, "user_id NOT IN (SELECT id FROM users)") == 0
