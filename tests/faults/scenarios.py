"""What each writing command starts from in a kill matrix, and what must hold after a kill and after the rerun.

Everything is read by SQL of these tests' own, never through rlops.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coldstore
import pymysql
import truth
from conftest import ShopDatabase
from installed import SHOP, SQL, declared
from truth import TABLES, quoted

INTERACTIONS, MODELS, FEATURES = TABLES
OWN = ("rlops_state", "rlops_backup", "rlops_run", "rlops_step", "rlops_job", "rlops_part", "rlops_snapshot")
STAMP = "20260101_000000"
OLD, NEW = 1200, 100  # interactions; the first chunk takes 1,000
ACCOUNT = "'dsazuser'@'%'"
REFERENCES = (
    (INTERACTIONS, "user_id", "users"),
    (INTERACTIONS, "product_id", "product"),
    (FEATURES, "user_id", "users"),
)

Rows = list[tuple[Any, ...]]


class PlainDatabase(ShopDatabase):
    """Without TLS, of which PyMySQL makes more work than of all that these tests ask."""

    def connect(self, **overrides: Any) -> Any:
        return super().connect(**{"ssl_disabled": True} | overrides)

    @property
    def options(self) -> tuple[str, ...]:
        return (*super().options, "--ssl-mode", "DISABLED")


@dataclass
class Bench:
    """A schema that is put back to a known state for each case, by SQL that a clean migrate was seen to leave."""

    database: ShopDatabase
    definitions: dict[str, str] = field(default_factory=dict)
    state: list[dict[str, Any]] = field(default_factory=list)

    def learn(self) -> None:
        self.database.install("production")
        self.definitions = {table: truth.definition(self.database, table) for table in (*OWN, *TABLES)}
        self.state = self.database.query("SELECT name, value, updated_at FROM rlops_state")

    def wipe(self) -> None:
        gone = truth.tables(self.database) - SHOP
        drops = [f"DROP TABLE {quoted(table)}" for table in gone]
        ids = ", ".join(f"({n})" for n in range(1, 21))
        parents = [f"INSERT IGNORE INTO {table} (id) VALUES {ids}" for table in SHOP]
        truth.execute(self.database, "SET foreign_key_checks = 0", *drops, *parents)

    def install(self, *tables: str) -> None:
        truth.execute(self.database, *(declared(self.database, table) or self.definitions[table] for table in tables))
        if OWN[0] in tables:
            with self.database.connect() as connection, connection.cursor() as cursor:
                sql = "INSERT INTO rlops_state (name, value, updated_at) VALUES (%(name)s, %(value)s, %(updated_at)s)"
                cursor.executemany(sql, self.state)


def places(database: Any) -> dict[str, dict[str, Rows]]:
    """Of each table: its rows by the table that they are in, under its own name, as a backup, or set aside."""
    names = truth.tables(database)
    return {
        table: {name: truth.rows(database, name) for name in sorted(names) if name == table or name.startswith(table + "__")}
        for table in TABLES
    }  # fmt: skip


def plain(definition: str) -> list[str]:
    """A definition's lines, to compare; MariaDB lists foreign keys in the order in which they were added."""
    return sorted(line.rstrip(",") for line in re.sub(r" AUTO_INCREMENT=\d+", "", definition).splitlines())


def interactions(old: int, new: int) -> list[str]:
    """Timestamps: many equal ones in 2020, and recent ones."""
    ages = [f"2020-03-0{n % 9 + 1} 00:00:{n % 60:02}" for n in range(old)]
    return ages + [f"2099-01-01 00:00:{n % 60:02}" for n in range(new)]


class Scenario:
    """One command. `arrange` prepares the schema and remembers what it holds; the others return what is wrong."""

    arguments: tuple[str, ...] = ()
    hundreds = False  # of statements
    over: tuple[int, ...] = (0,)  # exit codes of a rerun that has nothing left to do

    def __init__(self, bench: Bench) -> None:
        self.bench, self.database = bench, bench.database
        self.whole: dict[str, Rows] = {}

    def arrange(self) -> None:
        self.bench.wipe()
        self.prepare()
        self.whole = {
            table: sorted((row for rows in found.values() for row in rows), key=repr)
            for table, found in places(self.database).items()
        }

    def prepare(self) -> None:
        raise NotImplementedError

    def options(self) -> tuple[str, ...]:
        return (*self.arguments, "--output", "json")

    def torn(self) -> list[str]:
        """What must not be at any moment."""
        return [
            f"{table}: its rows are {[(name, len(rows)) for name, rows in found.items()]}, {len(self.whole[table])} expected"
            for table, found in places(self.database).items()
            if sorted((row for rows in found.values() for row in rows), key=repr) != self.whole[table]
        ]

    def unfinished(self) -> list[str]:
        """What must not be once the command has said that all is well."""
        raise NotImplementedError

    def as_declared(self, tables: tuple[str, ...] = TABLES) -> list[str]:
        live = truth.tables(self.database)
        problems = [f"{table} is missing" for table in tables if table not in live]
        for table in set(tables) & live:
            found, wanted = plain(truth.definition(self.database, table)), plain(self.bench.definitions[table])
            problems += [f"{table} differs: {line}" for line in set(found) ^ set(wanted)]
        return problems


class Migrate(Scenario):
    """One of the three tables is there already, with rows."""

    arguments = ("migrate",)

    def prepare(self) -> None:
        self.bench.install(MODELS)
        insert = "INSERT INTO rl_model_metadata (model_name, algorithm_type, version) VALUES ('m{0}', 'DQN', '{0}')"
        truth.execute(self.database, *(insert.format(n) for n in range(5)))

    def unfinished(self) -> list[str]:
        answer = self.database.cli("verify", "--output", "json", check=None).json
        seen = [f"verify: {found}" for found in answer["data"]["findings"] if found["check"] != "account"]
        extra = truth.tables(self.database) - {*SHOP, *OWN, *TABLES}
        return self.torn() + self.as_declared() + seen + ([f"left behind: {extra}"] if extra else [])


class Rollback(Scenario):
    arguments = ("rollback",)

    def prepare(self) -> None:
        self.bench.install(*OWN, *TABLES)
        truth.fill(self.database, *interactions(20, 20))

    def options(self) -> tuple[str, ...]:
        return (*super().options(), "--confirm", self.database.name)

    def torn(self) -> list[str]:
        problems = super().torn()
        where = {len(found) == 1 and table in found for table, found in places(self.database).items()}
        if len(where) > 1 or any(len(found) != 1 for found in places(self.database).values()):
            problems.append(f"the tables are not in one place: {sorted(truth.tables(self.database))}")
        return problems

    def unfinished(self) -> list[str]:
        kept = {name for found in places(self.database).values() for name in found}
        problems = [f"{name} is still there" for name in kept & set(TABLES)]
        keys = [name for name in kept if "FOREIGN KEY" in truth.definition(self.database, name)]
        return self.torn() + problems + [f"{name} has foreign keys" for name in keys]


class Restore(Scenario):
    """A user and a product have gone since the rollback, so rows of theirs have to be set aside."""

    arguments = ("restore",)

    def prepare(self) -> None:
        self.bench.install(*OWN, *TABLES)
        truth.fill(self.database, *interactions(20, 20))
        drops = {table: re.findall(r"CONSTRAINT `(\w+)` FOREIGN", self.bench.definitions[table]) for table in TABLES}
        keys = [f"ALTER TABLE {table} DROP FOREIGN KEY {key}" for table, found in drops.items() for key in found]
        renames = ", ".join(f"{table} TO {table}__backup_{STAMP}" for table in TABLES)
        gone = ("DELETE FROM users WHERE id = 3", "DELETE FROM product WHERE id = 7")
        truth.execute(self.database, *keys, f"RENAME TABLE {renames}", *gone)

    def unfinished(self) -> list[str]:
        problems = self.torn() + self.as_declared()
        for table, key, parent in REFERENCES:
            orphan = f"{key} NOT IN (SELECT id FROM {parent})"
            if table in truth.tables(self.database) and truth.count(self.database, table, orphan):
                problems.append(f"{table} has rows without a {parent}")
        every = {name: rows for found in places(self.database).values() for name, rows in found.items()}
        aside = {row for name, rows in every.items() if "__set_aside_" in name for row in rows}
        lost = {row for row in self.whole[INTERACTIONS] if row[1] == 3 or row[2] == 7}
        lost |= {row for row in self.whole[FEATURES] if row[1] == 3}
        return problems + ([] if aside == lost else [f"{len(aside)} rows were set aside, {len(lost)} have no parent"])


class Copy(Rollback):
    """A copy of the backup goes to another schema, in two chunks."""

    @property
    def elsewhere(self) -> str:
        return f"{self.database.name}_copy"

    def prepare(self) -> None:
        self.bench.install(*OWN, *TABLES)
        truth.fill(self.database, *interactions(OLD, NEW))
        name = quoted(self.elsewhere)
        truth.execute(self.database, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")

    def options(self) -> tuple[str, ...]:
        return (*super().options(), "--backup", "copy", "--to-database", self.elsewhere)

    def unfinished(self) -> list[str]:
        problems = super().unfinished()
        there = {next(iter(row.values())) for row in self.database.query(f"SHOW TABLES FROM {quoted(self.elsewhere)}")}
        for table in TABLES:
            copies = [name for name in there if name.startswith(f"{table}__backup_")]
            rows = [
                sorted(
                    (
                        tuple(row.values())
                        for row in self.database.query(f"SELECT * FROM {quoted(self.elsewhere)}.{name}")
                    ),
                    key=repr,
                )
                for name in copies
            ]
            if rows != [self.whole[table]]:
                problems.append(
                    f"the copies of {table} have {[len(each) for each in rows]} rows, {len(self.whole[table])} expected"
                )
        states = [
            row["state"] for row in self.database.query("SELECT state FROM rlops_backup WHERE state <> 'abandoned'")
        ]
        return problems + ([] if states == ["copied"] else [f"recorded as {states}"])


class Merge(Scenario):
    """The tables were made anew since, with rows of which some clash; a user and a product have gone."""

    arguments: tuple[str, ...] = ("restore", "--merge")
    beside = "__conflict_"

    def prepare(self) -> None:
        self.bench.install(*OWN, *TABLES)
        truth.fill(self.database, *interactions(OLD, NEW), models=5, features=6)
        drops = {table: re.findall(r"CONSTRAINT `(\w+)` FOREIGN", self.bench.definitions[table]) for table in TABLES}
        keys = [f"ALTER TABLE {table} DROP FOREIGN KEY {key}" for table, found in drops.items() for key in found]
        renames = ", ".join(f"{table} TO {table}__backup_{STAMP}" for table in TABLES)
        gone = ("DELETE FROM users WHERE id = 3", "DELETE FROM product WHERE id = 7")
        truth.execute(self.database, *keys, f"RENAME TABLE {renames}", *gone)
        self.bench.install(*TABLES)
        # Ids from 1290 on clash, and some models and features by their unique keys.
        truth.execute(self.database, f"ALTER TABLE {INTERACTIONS} AUTO_INCREMENT = 1290")
        self.database.query("SELECT 1")
        with self.database.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, timestamp)"
                " SELECT id, 1, 'CLICK', '2099-02-02' FROM users"
            )
            cursor.execute(
                f"INSERT INTO {MODELS} (id, model_name, algorithm_type, version) VALUES (100, 'model-1', 'DQN', '1')"
            )
            cursor.execute(
                f"INSERT INTO {FEATURES} (id, user_id, feature_vector) VALUES (100, 2, '{{}}'), (101, 9, '{{}}')"
            )
        self.old = {table: set(truth.rows(self.database, f"{table}__backup_{STAMP}")) for table in TABLES}
        self.new = {table: set(truth.rows(self.database, table)) for table in TABLES}

    def lost(self, table: str) -> set[tuple[Any, ...]]:
        if table == MODELS:
            return set()
        return {row for row in self.old[table] if row[1] == 3 or (table == INTERACTIONS and row[2] == 7)}

    def clashing(self, table: str) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """Pairs of a row of the backup and the new one that has a unique key of it."""
        other = {INTERACTIONS: (), MODELS: (1, 3), FEATURES: (1,)}[table]
        by_id = {row[0]: row for row in self.new[table]}
        by_key = {tuple(row[at] for at in other): row for row in self.new[table]} if other else {}
        pairs = []
        for row in self.old[table] - self.lost(table):
            found = by_id.get(row[0]) or by_key.get(tuple(row[at] for at in other))
            if found:
                pairs.append((row, found))
        return pairs

    def held(self, table: str) -> dict[str, set[tuple[Any, ...]]]:
        found = places(self.database)[table]
        marks = {"live": table, "backup": f"{table}__backup_{STAMP}"}
        marks |= {mark: f"{table}{mark}{STAMP}" for mark in ("__set_aside_", "__conflict_", "__replaced_")}
        return {mark: set(found.get(name, ())) for mark, name in marks.items()}

    def torn(self) -> list[str]:
        problems = []
        for table in TABLES:
            held = self.held(table)
            if held["backup"] != self.old[table]:
                problems.append(f"{table}: the backup was changed")
            if lost := self.new[table] - held["live"] - held["__replaced_"]:
                problems.append(f"{table}: {len(lost)} new rows are lost")
            if strange := held["live"] - self.new[table] - self.old[table]:
                problems.append(f"{table}: {len(strange)} rows are nobody's")
        return problems

    def unfinished(self) -> list[str]:
        problems = self.torn()
        for table in TABLES:
            held, pairs = self.held(table), self.clashing(table)
            kept, made_way = {row for row, _ in pairs}, {row for _, row in pairs}
            live = (self.old[table] - self.lost(table) - kept) | self.new[table]
            wanted = {"live": live, "__set_aside_": self.lost(table), "__conflict_": kept, "__replaced_": set()}
            if self.beside == "__replaced_":
                live = (self.old[table] - self.lost(table)) | (self.new[table] - made_way)
                wanted |= {"live": live, "__conflict_": set(), "__replaced_": made_way}
            problems += [
                f"{table} {mark}: {len(rows - held[mark])} missing, {len(held[mark] - rows)} too many of {len(rows)}"
                for mark, rows in wanted.items() if held[mark] != rows
            ]  # fmt: skip
        empty = [name for name in truth.tables(self.database) if "__" in name and not truth.count(self.database, name)]
        return problems + [f"{name} is empty" for name in empty]


class MergeOver(Merge):
    """The same, and the backup's rows take the place of the live ones."""

    arguments = ("restore", "--merge", "--on-conflict", "backup")
    beside = "__replaced_"

    def options(self) -> tuple[str, ...]:
        return (*super().options(), "--confirm", self.database.name)


class Cleanup(Scenario):
    arguments: tuple[str, ...] = ("cleanup", "--months", "12", "--no-archive")

    def prepare(self) -> None:
        self.bench.install(*OWN, *TABLES)
        truth.fill(self.database, *interactions(OLD, NEW))

    def options(self) -> tuple[str, ...]:
        return (*super().options(), "--confirm", self.database.name)

    def torn(self) -> list[str]:
        found = {table: set(truth.rows(self.database, table)) for table in TABLES}
        lost = {table: set(self.whole[table]) - found[table] for table in TABLES}
        wrong = [f"{len(lost[table])} rows of {table} are lost" for table in (MODELS, FEATURES) if lost[table]]
        new = [row for row in lost[INTERACTIONS] if row[5].year != 2020]
        journaled = int(self.database.query("SELECT SUM(affected_rows) AS n FROM rlops_step")[0]["n"] or 0)
        if journaled != len(lost[INTERACTIONS]):
            wrong.append(f"{len(lost[INTERACTIONS])} rows are gone, the journal says {journaled}")
        return wrong + ([f"{len(new)} newer rows are lost"] if new else [])

    def unfinished(self) -> list[str]:
        left = truth.count(self.database, INTERACTIONS, "timestamp < '2021-01-01'")
        return self.torn() + self.jobs() + ([f"{left} rows are left"] if left else [])

    def jobs(self) -> list[str]:
        """One job, done, which knows of every row that went, whatever number of runs it took."""
        gone = len(self.whole[INTERACTIONS]) - truth.count(self.database, INTERACTIONS)
        found = self.database.query("SELECT state, done_rows, request FROM rlops_job")
        wanted = {"state": "done", "done_rows": gone, "request": None}
        return [] if found == [wanted] else [f"{gone} rows are gone, the jobs say {found}"]


class Purge(Cleanup):
    arguments = ("purge", "--product", "3")

    def prepare(self) -> None:
        self.bench.install(*OWN, *TABLES)
        truth.fill(self.database, *interactions(OLD, NEW))
        truth.execute(self.database, f"UPDATE {INTERACTIONS} SET product_id = IF(timestamp < '2021-01-01', 3, 4)")

    def unfinished(self) -> list[str]:
        left = truth.count(self.database, INTERACTIONS, "product_id = 3")
        return self.torn() + self.jobs() + ([f"{left} rows are left"] if left else [])


class Archive(Scenario):
    """Three months, of which one takes several parts, and one that is too young."""

    arguments = ("archive", "run", "--months", "6")
    months = ("2020-01", "2020-02", "2020-03")
    edge = "2021-01-01"  # what is older is expired

    @property
    def root(self) -> Path:
        return self.database.home / "cold"

    def prepare(self) -> None:
        self.bench.install(*OWN, *TABLES)
        self.fill()
        shutil.rmtree(self.root, ignore_errors=True)

    def fill(self) -> None:
        stamps = [f"{self.months[n % 3]}-1{n % 7} 00:00:{n % 60:02}" for n in range(60)]
        truth.fill(self.database, *stamps, *interactions(60, 20))

    def options(self) -> tuple[str, ...]:
        return (*super().options(), "--to", str(self.root), "--sql-dir", str(small_parts(self.database.home)))

    def torn(self) -> list[str]:
        """No row of the tables is touched; what is under a part's name is whole, and no row is in two of them."""
        problems = super().torn() + coldstore.problems(self.root)
        expired = self.expired()
        found = coldstore.rows(self.root)
        problems += [f"{len(found)} rows, {len(set(found))} of them different"] if len(found) != len(set(found)) else []
        return problems + (
            [f"rows that the table doesn't hold: {set(found) - expired}"] if set(found) - expired else []
        )

    def expired(self) -> set[tuple[Any, ...]]:
        query = f"SELECT {coldstore.COLUMNS} FROM {INTERACTIONS} WHERE timestamp < '{self.edge}'"
        return {tuple(row.values()) for row in self.database.query(query)}

    def unfinished(self) -> list[str]:
        problems = self.torn() + coldstore.unpublished(self.root)
        if set(coldstore.rows(self.root)) != self.expired():
            problems.append(f"{len(self.expired())} rows are expired, {len(coldstore.rows(self.root))} archived")
        states = self.database.query("SELECT path, state FROM rlops_part WHERE state <> 'verified'")
        return problems + [f"{row['path']} is {row['state']}" for row in states]


class Retention(Archive):
    """Some of what is expired is archived already; of that some rows are late, changed, moved or gone by now."""

    arguments = ("cleanup", "--months", "12")
    hundreds = True

    def prepare(self) -> None:
        super().prepare()
        archive = (
            "archive",
            "run",
            "--months",
            "6",
            "--to",
            str(self.root),
            "--sql-dir",
            str(small_parts(self.database.home)),
        )
        self.database.cli(*archive)
        self.exported = {row[0]: row for row in coldstore.rows(self.root)}
        old = f"timestamp < '{self.edge}'"
        truth.execute(
            self.database,
            f"UPDATE {INTERACTIONS} SET reward = 5 WHERE id % 13 = 2 AND {old}",
            f"UPDATE {INTERACTIONS} SET timestamp = '{self.months[0]}-02 00:00:00' WHERE id % 17 = 3 AND {old}",
            f"DELETE FROM {INTERACTIONS} WHERE id % 19 = 4 AND {old}",
        )
        truth.fill(self.database, *[f"{self.months[1]}-03 00:00:{n:02}" for n in range(30)], models=0, features=0)
        self.latest = {row[0]: row for row in self.interactions()}

    def interactions(self) -> list[tuple[Any, ...]]:
        query = f"SELECT {coldstore.COLUMNS} FROM {INTERACTIONS}"
        return [tuple(row.values()) for row in self.database.query(query)]

    def here(self) -> list[tuple[Any, ...]]:
        """The rows that the archive need not hold yet."""
        return self.interactions()

    def options(self) -> tuple[str, ...]:
        return (*super().options(), "--confirm", self.database.name)

    def torn(self) -> list[str]:
        """A row is in the table as it was; or it is gone, and in the archive once, with the values that it went with."""
        problems = coldstore.problems(self.root)
        here = {row[0]: row for row in self.here()}
        there: dict[int, list[tuple[Any, ...]]] = {}
        for row in coldstore.rows(self.root):
            there.setdefault(row[0], []).append(row)
        for number, row in self.latest.items():
            if number in here and here[number] != row:
                problems.append(f"row {number} was changed")
            elif number not in here and there.get(number) != [row]:
                problems.append(f"row {number} is gone, and {there.get(number)} of it is in the archive")
        return problems + [f"row {number} came back" for number in here if number not in self.latest]

    def unfinished(self) -> list[str]:
        problems = self.torn() + coldstore.unpublished(self.root)
        left = truth.count(self.database, INTERACTIONS, f"timestamp < '{self.edge}'")
        problems += [f"{left} rows are left"] if left else []
        found = coldstore.rows(self.root)
        problems += (
            [f"{len(found)} rows, of {len({row[0] for row in found})} ids"]
            if len(found) != len({r[0] for r in found})
            else []
        )
        gone = [
            number for number in self.exported if number not in self.latest and number not in {row[0] for row in found}
        ]
        problems += [f"what the shop deleted after its export is not readable: {gone}"] if gone else []
        states = self.database.query("SELECT path, state FROM rlops_part WHERE state <> 'done' OR replacing")
        return problems + [f"{row['path']} is {row['state']}" for row in states]


class PurgeArchived(Retention):
    """A product's rows, some of them archived already, of these some as they are yet; and some of a young month."""

    arguments = ("purge", "--product", "3")

    def prepare(self) -> None:
        super().prepare()
        truth.execute(self.database, f"UPDATE {INTERACTIONS} SET product_id = 3 WHERE id % 3 = 0")
        self.latest = {row[0]: row for row in self.interactions()}

    def unfinished(self) -> list[str]:
        problems = self.torn() + coldstore.unpublished(self.root)
        left = truth.count(self.database, INTERACTIONS, "product_id = 3")
        problems += [f"{left} rows are left"] if left else []
        found = [row[0] for row in coldstore.rows(self.root)]
        problems += [f"{len(found)} rows, of {len(set(found))} ids"] if len(found) != len(set(found)) else []
        states = self.database.query("SELECT path, state FROM rlops_part WHERE only_id IS NOT NULL AND state <> 'done'")
        states += self.database.query("SELECT path, state FROM rlops_part WHERE replacing")
        problems += [f"{row['path']} is {row['state']}" for row in states]
        jobs = self.database.query("SELECT state FROM rlops_job")
        return problems + ([] if jobs == [{"state": "done"}] else [f"the jobs are {jobs}"])


class Erase(Archive):
    """A user and a product have gone whose rows are in the archive, in a backup and set aside; some parts have none."""

    arguments = ("archive", "erase")
    hundreds = True
    beside = (f"{INTERACTIONS}__backup_{STAMP}", f"{INTERACTIONS}__set_aside_{STAMP}", f"{FEATURES}__backup_{STAMP}")

    def prepare(self) -> None:
        super().prepare()
        self.database.cli("archive", "run", "--months", "6", *super().options()[-4:])
        for name in self.beside:
            table = name.partition("__")[0]
            copied = (f"CREATE TABLE {name} LIKE {table}", f"INSERT INTO {name} SELECT * FROM {table}")
            truth.execute(self.database, *copied)
        truth.execute(self.database, "DELETE FROM users WHERE id = 3", "DELETE FROM product WHERE id = 7")
        self.before = {name: truth.rows(self.database, name) for name in self.beside}
        self.live = {table: truth.rows(self.database, table) for table in TABLES}
        self.exported = coldstore.rows(self.root)

    def options(self) -> tuple[str, ...]:
        return (*Scenario.options(self), "--confirm", self.database.name)

    @staticmethod
    def stays(row: tuple[Any, ...], table: str = INTERACTIONS) -> bool:
        return row[1] != 3 and (not table.startswith(INTERACTIONS) or row[2] != 7)

    def torn(self) -> list[str]:
        """No other rows are gone than those that are wanted, none is there twice, and the live tables are untouched."""
        problems = coldstore.problems(self.root)
        found = coldstore.rows(self.root)
        problems += _between(found, self.exported, [row for row in self.exported if self.stays(row)], "the archive")
        for name, rows in self.before.items():
            kept = [row for row in rows if self.stays(row, name)]
            problems += _between(truth.rows(self.database, name), rows, kept, name)
        changed = [table for table, rows in self.live.items() if truth.rows(self.database, table) != rows]
        return problems + [f"{table} was changed" for table in changed]

    def unfinished(self) -> list[str]:
        problems = self.torn() + coldstore.unpublished(self.root)
        left = [row for row in coldstore.rows(self.root) if not self.stays(row)]
        problems += [f"{len(left)} rows are left in the archive"] if left else []
        for name in self.beside:
            left = [row for row in truth.rows(self.database, name) if not self.stays(row, name)]
            problems += [f"{len(left)} rows are left in {name}"] if left else []
        states = self.database.query("SELECT path, state FROM rlops_part WHERE state <> 'verified' OR replacing")
        return problems + [f"{row['path']} is {row['state']}" for row in states]


class BringBack(Archive):
    """Three months that were archived and deleted, into a table of their own."""

    arguments = ("archive", "restore", *Archive.months)
    hundreds = True
    into = f"{INTERACTIONS}__restored_202001_202002_202003"

    def prepare(self) -> None:
        super().prepare()
        self.gone, self.stayed = self.expired(), truth.rows(self.database, INTERACTIONS)
        self.stayed = [row for row in self.stayed if row not in self.gone]
        archive = ("--to", str(self.root), "--sql-dir", str(small_parts(self.database.home)))
        self.database.cli("cleanup", "--months", "12", "--confirm", self.database.name, *archive)

    def options(self) -> tuple[str, ...]:
        return Scenario.options(self)

    def torn(self) -> list[str]:
        """No row is there twice, changed, or nobody's; the archive and the rows that were never gone stay as they were."""
        back = truth.rows(self.database, self.into) if self.into in truth.tables(self.database) else []
        problems = _between(back, [*self.gone, *self.there()], self.there(), self.into)
        live = truth.rows(self.database, INTERACTIONS)
        problems += _between(
            live, [*self.stayed, *self.there(), *(back if self.into == INTERACTIONS else ())], self.stayed, "the table"
        )
        problems += _between(coldstore.rows(self.root), [*self.gone], [*self.gone], "the archive")
        return problems + coldstore.problems(self.root)

    def there(self) -> Rows:
        """What was in that table before."""
        return []

    def unfinished(self) -> list[str]:
        back = truth.rows(self.database, self.into)
        problems = self.torn()
        problems += [f"{len(lost)} rows did not come back"] if (lost := self.gone - set(back)) else []
        jobs = self.database.query("SELECT state, done_rows FROM rlops_job WHERE kind = 'archive restore'")
        came = len(back) - len(self.there())
        if {job["state"] for job in jobs} != {"done"} or sum(job["done_rows"] for job in jobs) != came:
            problems.append(f"{came} rows came back, the jobs say {jobs}")
        return problems


class BringBackLive(BringBack):
    """Into the live table, where some of the rows are already."""

    arguments = (*BringBack.arguments, "--to-table", "live")
    into = INTERACTIONS

    def prepare(self) -> None:
        super().prepare()
        self.same = [row for row in self.gone if row[0] % 7 == 1]
        with self.database.connect() as connection, connection.cursor() as cursor:
            places = ", ".join(["%s"] * len(self.same[0]))
            cursor.executemany(f"INSERT INTO {INTERACTIONS} ({coldstore.COLUMNS}) VALUES ({places})", self.same)

    def there(self) -> Rows:
        return [*self.stayed, *self.same]

    def unfinished(self) -> list[str]:
        states = self.database.query("SELECT path, state FROM rlops_part WHERE state <> 'verified' OR NOT held")
        return super().unfinished() + [f"{row['path']} is {row['state']}, or not held" for row in states]


def _between(found: Rows, most: Rows, least: Rows, where: str) -> list[str]:
    problems = [f"{where} has rows twice"] if len(found) != len(set(found)) else []
    if lost := set(least) - set(found):
        problems.append(f"{where} has lost {len(lost)} rows")
    return problems + ([f"{where} has rows that it never had"] if set(found) - set(most) else [])


def small_parts(home: Path) -> Path:
    """A folder of SQL whose policy has small parts, and wants what is purged archived."""
    folder = home / "sql"
    if not folder.exists():
        shutil.copytree(SQL, folder)
        policy = (folder / "policy.toml").read_text()
        policy = re.sub(r"part_rows = [\d_]+", "part_rows = 25", policy)
        (folder / "policy.toml").write_text(policy.replace("purged = false", "purged = true"))
    return folder


class Grant(Scenario):
    arguments = ("grant",)

    def prepare(self) -> None:
        self.bench.install(*OWN, *TABLES)
        truth.execute(self.database, f"DROP USER IF EXISTS {ACCOUNT}", f"CREATE USER {ACCOUNT} IDENTIFIED BY 'secret'")

    def unfinished(self) -> list[str]:
        lines = [
            next(iter(row.values())) for row in self.database.query(f"SHOW GRANTS FOR {ACCOUNT.replace('%', '%%')}", ())
        ]
        wanted = {f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{self.database.name}`.`{table}`" for table in TABLES}
        return [f"not granted: {grant}" for grant in wanted if not any(line.startswith(grant) for line in lines)]


SCENARIOS: dict[str, Callable[[Bench], Scenario]] = {
    "migrate": Migrate, "grant": Grant, "rollback": Rollback, "copy": Copy, "restore": Restore,
    "restore-merge": Merge, "restore-merge-over": MergeOver, "cleanup": Cleanup, "purge": Purge, "archive": Archive,
    "retention": Retention, "purge-archived": PurgeArchived, "erase": Erase,
    "archive restore": BringBack, "archive restore --to-table live": BringBackLive,
}  # fmt: skip


def open_steps(database: Any) -> dict[int, bool | None]:
    """The steps that a dead run left open, and whether what they were for holds by now; None where they don't say."""
    if "rlops_step" not in truth.tables(database):
        return {}
    rows = database.query("SELECT id, expect FROM rlops_step WHERE status = 'intent'")
    return {row["id"]: _holds(database, json.loads(row["expect"])) for row in rows}


def _holds(database: Any, expects: list[dict[str, Any]]) -> bool | None:
    held = [_is(database, expect) == expect["present"] for expect in expects]
    return all(held) if held else None


def _is(database: Any, expect: dict[str, Any]) -> bool:
    table, name = expect["table"], expect["name"]
    if expect["kind"] == "query":
        try:
            return bool(next(iter(database.query(name)[0].values())))
        except pymysql.err.ProgrammingError:
            return False  # of a table that isn't there
    if table not in truth.tables(database):
        return False
    if expect["kind"] == "foreign_key":
        return f"CONSTRAINT `{name}` FOREIGN KEY" in truth.definition(database, table)
    if expect["kind"] == "partitions":
        return "PARTITION BY" in truth.definition(database, table)
    if expect["kind"] == "trigger":
        return any(row["Trigger"] == name for row in database.query(f"SHOW TRIGGERS WHERE `Table` = '{table}'"))
    return True


def journal_problems(database: Any, left_open: dict[int, bool | None]) -> list[str]:
    """What the journal must not hold once all is done; `left_open` is what `open_steps` saw after the kill."""
    running = database.query("SELECT id, command FROM rlops_run WHERE status = 'running'")
    problems = [f"run {row['id']} ({row['command']}) is left running" for row in running]
    steps = {row["id"]: row for row in database.query("SELECT id, name, status FROM rlops_step")}
    problems += [f"step {step['name']} is left open" for step in steps.values() if step["status"] == "intent"]
    settled = {True: "done", False: "undone"}
    for number, held in left_open.items():
        if held is not None and steps[number]["status"] != settled[held]:
            problems.append(
                f"step {steps[number]['name']} was settled as {steps[number]['status']}, and was {settled[held]}"
            )
    return problems
