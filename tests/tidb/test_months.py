"""Partitions by month on TiDB: without triggers and foreign keys, made and taken away while the shop writes."""

from __future__ import annotations

import threading
import time

import coldstore
import pymysql
import pytest
import truth
from truth import TABLES

INTERACTIONS = TABLES[0]
BY_MONTH = ("--offline", "--integrity", "none")
ROWS = 4_000


def findings(database, *options):
    answer = database.cli("verify", *options, "--output", "json", check=None).json
    return [found for found in answer["data"]["findings"] if found["check"] != "account"]


def status(database):
    return database.cli("partition", "status", "--output", "json", check=None).json["data"]


def stamps(count):
    return [f"2026-0{n % 9 + 1}-10 00:00:{n % 60:02}" for n in range(count)]


class Writers:
    """A shop that inserts until it is told to stop; `slowest` is the longest that one INSERT took, in seconds."""

    def __init__(self, database):
        self.database, self.over = database, threading.Event()
        self.done, self.errors, self.slowest = 0, [], 0.0
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        with self.database.connect() as connection, connection.cursor() as cursor:
            while not self.over.is_set():
                began = time.monotonic()
                try:
                    cursor.execute(
                        f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, session_id) VALUES (1, 1, 'VIEW', 'live')"
                    )
                    self.done += 1
                except pymysql.err.MySQLError as error:
                    self.errors.append(error.args)
                self.slowest = max(self.slowest, time.monotonic() - began)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def test_there_and_back_while_the_shop_writes(migrated, record_property):
    truth.fill(migrated, *stamps(ROWS), models=0, features=0)
    with Writers(migrated) as there:
        answer = migrated.cli("partition", "enable", *BY_MONTH, "--output", "json").json
    assert answer["data"]["integrity"] == "none"
    assert findings(migrated) == []
    with Writers(migrated) as back:
        migrated.cli("partition", "disable", "--offline")
    record_property("slowest INSERT, s", round(max(there.slowest, back.slowest), 2))
    assert there.errors + back.errors == []
    assert truth.count(migrated, INTERACTIONS) == ROWS + there.done + back.done
    assert len({row[0] for row in truth.rows(migrated, INTERACTIONS)}) == ROWS + there.done + back.done
    assert findings(migrated, "--smoke") == []


def test_a_new_table_gets_its_months_at_once_and_keeps_ahead(database):
    database.cli("migrate", "--partitioned", "--environment", "development", check=5)
    assert INTERACTIONS not in truth.tables(database)
    database.cli("migrate", "--partitioned", "--integrity", "none", "--environment", "development")
    assert findings(database) == []
    found = status(database)
    assert found["partitioned"] and found["integrity"] == "none" and found["months_ahead"] == 3
    database.cli("partition", "ensure", "--ahead", "5")
    assert status(database)["months_ahead"] == 5
    assert status(database)["gaps"] == []
    truth.fill(database, "2020-01-01 00:00:00", "2099-01-01 00:00:00")
    assert status(database)["catch_all_rows"] == 1


def test_retention_goes_row_by_row_since_no_month_can_be_proven_empty(migrated, root):
    truth.fill(migrated, "2020-01-01 00:00:00", "2020-02-01 00:00:00", "2099-01-01 00:00:00")
    migrated.cli("partition", "enable", *BY_MONTH)
    before = truth.snapshot(migrated)
    error = migrated.cli("partition", "expire", "--to", str(root), "--output", "json", "--yes", check=5).json["error"]
    assert error["code"] == "not_proven"
    assert truth.snapshot(migrated) == before
    answer = migrated.cli("cleanup", "--months", "12", "--to", str(root), "--yes", "--output", "json").json
    assert (answer["data"]["deleted_rows"], len(coldstore.rows(root))) == (2, 2)
    assert truth.count(migrated, INTERACTIONS) == 1
    assert findings(migrated) == []


@pytest.mark.parametrize("dropped", ["foreign keys", "primary key"])
def test_a_change_that_died_between_two_steps_goes_on(migrated, dropped):
    truth.fill(migrated, *stamps(50))
    rows = truth.rows(migrated, INTERACTIONS)
    keys = [f"fk_user_product_interactions_{name}" for name in ("user", "product")]
    truth.execute(migrated, f"ALTER TABLE {INTERACTIONS} " + ", ".join(f"DROP FOREIGN KEY {key}" for key in keys))
    if dropped == "primary key":
        truth.execute(migrated, f"ALTER TABLE {INTERACTIONS} DROP PRIMARY KEY")
    migrated.cli("partition", "enable", *BY_MONTH)
    assert findings(migrated) == []
    assert truth.rows(migrated, INTERACTIONS) == rows
