"""Drain a catch-all that has many rows while the shop goes on: a change of form, to the same form with more months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from rlops import facts
from rlops.db import Database
from rlops.errors import Refused
from rlops.ops import requirements
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import change, months, online
from rlops.ops.partition.change import SHADOW
from rlops.ops.partition.months import Months
from rlops.plan import Plan
from rlops.sqlfiles import SqlFolder

SPLIT_ROWS = 5000  # rows in the catch-all that a split may copy while writers wait: about a tenth of a second


def plan(
    db: Database, sql: SqlFolder, found: Months, lacking: list[datetime], data: Mapping[str, Any], *, postpone: bool
) -> Plan:
    """Plan what is left of it. `lacking` are the months that the table lacks now.

    Raises Refused as any change of form does, Denied without the privileges that it needs beyond a split's.
    """
    if missing := requirements.check(db, "partition ensure --drain", sql):
        raise missing
    at = change.under_way(db)
    if at is None:
        _refuse_later(db, sql, found, months.first_of(lacking[-1], 1))
    made = [] if at and at.phase == "swapped" else _made(db, sql, found) or lacking
    planned = online.plan(db, sql, online.Wish("drain", postpone, months=made))
    return replace(planned, data={**planned.data, **data, "created_partitions": [f"p{month:%Y%m}" for month in made]})


def _refuse_later(db: Database, sql: SqlFolder, found: Months, end: datetime) -> None:
    """Refuse a copy of everything that would leave the catch-all as full as before."""
    assert found.catch_all
    names = {"table": INTERACTIONS, "partition": found.catch_all.name, "column": sql.policy.partitions.column}
    later = sql.statement("partition/042_rows_from", names, {"first": end, "limit": SPLIT_ROWS + 1})
    if int(db.value(later.sql, later.values)) > SPLIT_ROWS:
        raise Refused(
            f"more than {SPLIT_ROWS:,} rows of the catch-all are of {end:%Y-%m-%d} or later: no month is made so far ahead, and"
            " drained it would be as full again. Nothing was changed",
            f"Look at their {sql.policy.partitions.column}, which is probably wrong.", "too_far_ahead",
        )  # fmt: skip


def _made(db: Database, sql: SqlFolder, found: Months) -> list[datetime]:
    """The months that a drain under way has given the shadow, whatever is lacking by now."""
    if not facts.table_exists(db, SHADOW):
        return []
    end = months.read(db, sql, SHADOW).end
    return months.between(found.end, months.first_of(end, -1)) if end and found.end and end > found.end else []
