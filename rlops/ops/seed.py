"""Fill the three tables with synthetic data."""

from __future__ import annotations

import json
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rlops import facts
from rlops.clock import writers_now, zoned
from rlops.db import Database
from rlops.errors import Refused
from rlops.ops import declared
from rlops.plan import Answer, Chunk, Plan, Step
from rlops.sandbox.traffic import BATCH, Row, Traffic
from rlops.sqlfiles import SqlFolder
from rlops.words import counted

PARENTS = ("users", "product")
PARENTS_USED = 10_000  # ids of each parent that rows refer to


@dataclass(frozen=True)
class Batches:
    """Batches of synthetic rows, each inserted by one statement, its rows one JSON value."""

    sql: SqlFolder
    file: str
    batch: Callable[[int], list[Row]]
    count: int
    total: int

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Insert about `size` rows, in whole batches, from batch number `after`."""
        first, rows = after or 0, 0
        last = min(self.count, first + max(1, size // BATCH))
        for number in range(first, last):
            insert = self.sql.statement(self.file, values={"rows": json.dumps(self.batch(number))})
            rows += db.execute(insert.sql, insert.values)
        return Chunk(rows, last, last >= self.count)


def plan(db: Database, sql: SqlFolder, rows: int, months: int, environment: str) -> Plan:
    """Plan interactions over the last `months`, up to now by the writers' clock, and models and features if missing.

    Raises Refused outside development, without the three tables, or without any user or product.
    """
    if environment != "development":
        raise Refused(
            f"{db.schema} is a production schema, and seed writes to development ones only; nothing was changed",
            "`rlops sandbox start` gives you one to play with.",
            "production",
        )
    _require_tables(db, sql)
    users, products = (_ids(db, sql, parent) for parent in PARENTS)
    until = writers_now(db, sql.policy.writers_time_zone)
    since = months_before(until, months)
    begins, ends = zoned(db, sql.policy.writers_time_zone, since, until)
    traffic = Traffic(rows, since, until, users, products, sql.policy.rewards, sql.policy.models.algorithms)
    return Plan(
        "seed",
        _steps(sql, traffic, months),
        {
            "interactions": rows, "months": months, "since": begins.isoformat(), "until": ends.isoformat(),
            "users": len(users), "products": len(products),
        },
        again=f"rlops seed --rows {rows} --months {months}",
    )  # fmt: skip


def _steps(sql: SqlFolder, traffic: Traffic, months: int) -> tuple[Step, ...]:
    models = sql.statement("seed/020_models", values={"rows": json.dumps(traffic.models())}, volatile=("rows",))
    said = {"rows": f"'{counted(traffic.rows, 'row')} of {counted(months, 'month')}'"}
    works: tuple[tuple[str, str, dict[str, str], Callable[[int], list[Row]], int, int], ...] = (
        ("features", "seed/030_features", {}, traffic.features, traffic.feature_batches, len(traffic.users)),
        ("interactions", "seed/040_interactions", said, traffic.interactions, traffic.batches, traffic.rows),
    )
    return (
        Step("add models", models),
        *(
            Step(f"add {name}", sql.file(file).outline({}, said), work=Batches(sql, file, batch, count, total))
            for name, file, said, batch, count, total in works
        ),
    )


def _require_tables(db: Database, sql: SqlFolder) -> None:
    there = facts.tables(db)
    for table in PARENTS:
        if table not in there:
            raise Refused(
                f"{db.schema} has no table {table}: this is no shop; nothing was changed",
                "Name the shop's schema with --database, or type `rlops sandbox start`.",
                "no_parent",
            )
    for table in declared.names(sql):
        if table not in there:
            raise Refused(f"{db.schema} has no table {table}; nothing was changed", "rlops migrate", "no_table")


def _ids(db: Database, sql: SqlFolder, parent: str) -> list[int]:
    query = sql.statement("seed/010_parents", {"parent": parent}, {"limit": PARENTS_USED})
    found = [row["id"] for row in db.rows(query.sql, query.values)]
    if not found:
        raise Refused(
            f"{db.schema}.{parent} is empty, and interactions refer to its rows; nothing was changed",
            f"Add some {parent} first, or type `rlops sandbox start` in another folder.",
            "no_parents",
        )
    return found


def months_before(at: datetime, months: int) -> datetime:
    """The same day and time that many months earlier, or the last day of a month that is too short."""
    index = at.year * 12 + at.month - 1 - months
    year, month = index // 12, index % 12 + 1
    return at.replace(year=year, month=month, day=min(at.day, monthrange(year, month)[1]))


def complete(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Say what was added."""
    del db, sql
    data = answer.data
    span = f"{data['since'].replace('T', ' ')} to {data['until'].replace('T', ' ')}"
    headline = f"{counted(data['interactions'], 'interaction')} of {counted(data['users'], 'user')}, from {span}."
    return replace(answer, headline=headline, next="rlops monitor")
