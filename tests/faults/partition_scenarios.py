"""The commands that change the form of the interactions, for the kill matrices: what must hold at every moment, and at last."""

from __future__ import annotations

from typing import Any

import coldstore
import pymysql
import truth
from scenarios import INTERACTIONS, OWN, TABLES, Bench, BringBackLive, Retention, Scenario

NEW, KEPT = f"{INTERACTIONS}__rlops_new", f"{INTERACTIONS}__rlops_old"


def drop_triggers(database) -> None:
    """And the account that they run as, so that every case begins by creating it."""
    rows = database.query(
        "SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s", (database.name,)
    )
    drops = (f"DROP TRIGGER `{row['name']}`" for row in rows)
    truth.execute(database, *drops, "DROP USER IF EXISTS 'rlops_integrity'@'localhost'")


def triggers(database) -> list[str]:
    rows = database.query(
        "SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s", (database.name,)
    )
    return sorted(row["name"] for row in rows)


def recent(count: int) -> list[str]:
    """Times of the last eight months."""
    return [f"{month(n % 8)}-05 {n % 24:02}:{n % 60:02}:00" for n in range(count)]


class Enable(Scenario):
    """At no moment is a row missing, is an interaction of nobody taken, or does a deletion of the shop's fail."""

    command = "enable"
    rows = 60

    def prepare(self) -> None:
        drop_triggers(self.database)
        self.bench.install(*OWN, *TABLES)
        truth.fill(self.database, *recent(self.rows))

    def arrange(self) -> None:
        super().arrange()
        self.whole[INTERACTIONS] = truth.rows(self.database, INTERACTIONS)

    def options(self) -> tuple[str, ...]:
        return ("partition", self.command, "--offline", "--output", "json")

    def torn(self) -> list[str]:
        if truth.rows(self.database, INTERACTIONS) != self.whole[INTERACTIONS]:
            return [f"{INTERACTIONS} has other rows"]
        return [f"{sql}: {error}" for sql, expected in self.shop() if (error := self._tried(sql)) != expected]

    @staticmethod
    def shop() -> list[tuple[str, int]]:
        row = "(user_id, product_id, interaction_type, timestamp) VALUES ({}, 1, 'VIEW', '2026-01-01')"
        return [
            ("DELETE FROM users WHERE id = 1", 0), ("DELETE FROM product WHERE id = 1", 0), ("UPDATE users SET email = 'x'", 0),
            (f"INSERT INTO {INTERACTIONS} {row.format(1)}", 0), (f"INSERT INTO {INTERACTIONS} {row.format(999)}", 1452),
            (f"UPDATE {INTERACTIONS} SET timestamp = '2026-03-03' WHERE user_id = 2", 0),
            (f"DELETE FROM {INTERACTIONS} WHERE user_id = 3", 0),
        ]  # fmt: skip

    def _tried(self, sql: str) -> int:
        with self.database.connect(autocommit=False) as connection, connection.cursor() as cursor:
            try:
                cursor.execute(sql)
                return 0
            except pymysql.err.MySQLError as error:
                return int(error.args[0])
            finally:
                connection.rollback()

    def unfinished(self) -> list[str]:
        problems = self.torn()
        answer = self.database.cli("verify", "--output", "json", check=None).json
        problems += [
            f"verify: {found}" for found in answer["data"]["findings"] if found["check"] not in ("account", "grant")
        ]
        if ("PARTITION BY" in truth.definition(self.database, INTERACTIONS)) != (self.command == "enable"):
            problems.append("it is in the other form")
        return problems


class Disable(Enable):
    """Back to foreign keys."""

    command = "disable"

    def prepare(self) -> None:
        super().prepare()
        self.database.cli("partition", "enable", "--offline")


class Online(Enable):
    """To months while the shop goes on. `kept` is the table that stays as a way back, None where none does."""

    kept: str | None = KEPT
    rows = 1200  # more than one session's share of the first chunk
    hundreds = True

    def options(self) -> tuple[str, ...]:
        return ("partition", self.command, "--output", "json")

    def unfinished(self) -> list[str]:
        problems = super().unfinished()
        said = self.database.cli("partition", "status", "--output", "json", check=None).json["data"]
        problems += [f"it calls itself unfinished: {said['change']}"] if said["change"] else []
        problems += [f"{name} is left" for name in triggers(self.database) if "_capture_" in name]
        problems += [f"{NEW} is left"] if NEW in truth.tables(self.database) else []
        if (KEPT in truth.tables(self.database)) != (self.kept is not None):
            return [*problems, f"{KEPT} is {'not kept' if self.kept else 'left'}"]
        if self.kept and truth.rows(self.database, KEPT) != self.whole[INTERACTIONS]:
            problems.append("the old table has other rows")
        return problems


class Copied(Online):
    """Back to foreign keys by a copy."""

    command = "disable"

    def prepare(self) -> None:
        super().prepare()
        self.database.cli("partition", "enable", "--offline")


class Back(Online):
    """Back to foreign keys by the old table that was kept."""

    command, kept = "disable", None

    def prepare(self) -> None:
        super().prepare()
        self.database.cli("partition", "enable")


class Drain(Online):
    """More months, out of a catch-all with more rows than a split may copy."""

    drained = True

    def prepare(self) -> None:
        super().prepare()
        self.database.cli("partition", "enable", "--offline")
        truth.fill(self.database, *[f"{month(-5)}-05 00:00:{n % 60:02}" for n in range(5100)], models=0, features=0)

    def options(self) -> tuple[str, ...]:
        return ("partition", "ensure", "--output", "json")

    def unfinished(self) -> list[str]:
        rows = self.database.query(f"SELECT COUNT(*) AS n FROM {INTERACTIONS} PARTITION (p_future)")[0]["n"]
        return super().unfinished() + ([] if bool(rows) != self.drained else [f"the catch-all has {rows} rows"])


class Undrained(Drain):
    """The old table takes its place again."""

    kept, drained = None, False

    def prepare(self) -> None:
        super().prepare()
        self.database.cli("partition", "ensure")

    def options(self) -> tuple[str, ...]:
        return ("partition", "cut-over", "--back", "--output", "json")


class CutOver(Online):
    """The tables change places that were made ready before."""

    def prepare(self) -> None:
        super().prepare()
        self.database.cli("partition", "enable", "--postpone-cut-over")

    def options(self) -> tuple[str, ...]:
        return ("partition", "cut-over", "--output", "json")


class GiveUp(Online):
    """A change that was made ready is given up: it leaves no trace."""

    command, kept = "abort", None
    over = (0, 2)  # once more, and there is no such job

    def prepare(self) -> None:
        super().prepare()
        self.database.cli("partition", "enable", "--postpone-cut-over")

    def options(self) -> tuple[str, ...]:
        return ("jobs", "abort", "--output", "json")

    def unfinished(self) -> list[str]:
        left = [name for name in triggers(self.database) if name.startswith("rlops_")]
        return super().unfinished() + [f"{name} is left" for name in left]


def month(back: int) -> str:
    """The month so many before this one, as 2025-03."""
    return f"{truth.month(-back):%Y-%m}"


class Expire(Retention):
    """As retention's, on a partitioned table: a row is in the table, in a hold table, or in the archive as it went."""

    arguments = ("partition", "expire", "--months", "12")

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench)
        self.months = (month(15), month(14), month(13))
        self.edge = f"{month(12)}-01"

    def fill(self) -> None:
        drop_triggers(self.database)
        stamps = [f"{self.months[n % 3]}-1{n % 7} 00:00:{n % 60:02}" for n in range(60)]
        truth.fill(self.database, *stamps, *[f"{month(1)}-01 00:00:{n:02}" for n in range(20)])
        self.database.cli("partition", "enable", "--offline")

    def held(self) -> dict[int, tuple[Any, ...]]:
        tables = [name for name in truth.tables(self.database) if "__hold_" in name]
        found = [row for name in tables for row in self.database.query(f"SELECT {coldstore.COLUMNS} FROM {name}")]
        return {row["id"]: tuple(row.values()) for row in found}

    def torn(self) -> list[str]:
        """Until a month's held rows are compared, they count; a row is never in both tables."""
        held = self.held()
        both = sorted(held.keys() & {row[0] for row in self.interactions()})
        problems = [f"in the table and in a hold table: {both}"] if both else []
        problems += [f"row {number} was changed" for number, row in held.items() if self.latest[number] != row]
        return problems + super().torn()

    def here(self) -> list[tuple[Any, ...]]:
        filled = self.database.query("SELECT value FROM rlops_state WHERE name = 'taking_out' AND value <> ''")
        return [*self.interactions(), *(self.held().values() if filled else ())]

    def unfinished(self) -> list[str]:
        names = self.database.query(
            "SELECT PARTITION_NAME AS name FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
            " ORDER BY PARTITION_ORDINAL_POSITION LIMIT 1",
            (self.database.name, INTERACTIONS),
        )
        first = f"p{month(12).replace('-', '')}"
        return super().unfinished() + (
            [] if names[0]["name"] == first else [f"the first partition is {names[0]['name']}"]
        )


class BringBackPartitioned(BringBackLive):
    """Into the live table in its partitioned form."""

    hundreds = True

    def prepare(self) -> None:
        drop_triggers(self.database)
        super().prepare()
        self.database.cli("partition", "enable", "--offline")


PARTITION = {
    "partition enable": Online,
    "partition disable": Copied,
    "partition disable, back": Back,
    "partition ensure": Drain,
    "partition cut-over --back": Undrained,
    "partition cut-over": CutOver,
    "jobs abort": GiveUp,
    "partition enable --offline": Enable,
    "partition disable --offline": Disable,
    "partition expire": Expire,
    "archive restore --to-table live, partitioned": BringBackPartitioned,
}
