"""What `partition status` tells: the form that holds, the months with their rows and sizes, and what is due."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from rlops.clock import cutoff, writers_now, zoned
from rlops.db import Database, ServerError, TimedOut
from rlops.errors import Denied, Exit, Refused
from rlops.ops import form
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import change, definer, drift, hold, integrity, months
from rlops.ops.partition.months import Month, Months
from rlops.plan import Answer
from rlops.sqlfiles import SqlFolder
from rlops.structure import Table, read_table
from rlops.words import counted

COUNT_FOR = 2.0  # seconds that the exact count of the catch-all may take


def live_table(db: Database) -> Table:
    """The live interactions. Raises Refused where there are none."""
    live = read_table(db, INTERACTIONS)
    if not isinstance(live, Table):
        raise Refused(
            f"{db.schema} has no table {INTERACTIONS}; nothing was changed", "`rlops migrate` creates it.", "no_table"
        )
    return live


def status(db: Database, sql: SqlFolder) -> Answer:
    """The months of the interactions; FINDINGS when something is due or doesn't fit. Raises Refused without the table."""
    live = live_table(db)
    now = writers_now(db, sql.policy.writers_time_zone)
    found = months.read(db, sql, INTERACTIONS)
    at, kept = change.under_way(db), change.kept(db)
    moving = _moving(db, at, kept)
    data: dict[str, Any] = {
        "partitioned": live.partitioning is not None, "integrity": integrity_of(db, live),
        "partitions": _shown(db, sql, found), "months_ahead": None, "gaps": [], "catch_all_rows": None,
        "catch_all_rows_estimated": False, "rows_source": "information_schema.PARTITIONS (an estimate)",
        "change": f"{at.direction} {at.phase}" if at else None, "old_table": change.OLD if kept else None,
        "hold_tables": [each.table for each in hold.found(db)], "due": [],
    }  # fmt: skip
    if live.partitioning is None:
        return Answer(
            "partition status",
            data=data,
            headline=f"{INTERACTIONS} isn't partitioned.",
            notes=moving,
            next=at.command if at else "rlops partition enable",
        )
    problems = list(months.problems(found, INTERACTIONS, sql.policy.partitions))
    rows, estimated = catch_all_rows(db, sql, found)
    data |= {
        "months_ahead": ahead(found, now), "gaps": [asdict(each) for each in problems],
        "catch_all_rows": rows, "catch_all_rows_estimated": estimated,
        "due": _due(db, sql, found, now, rows),
    }  # fmt: skip
    findings = bool(problems or data["due"])
    headline = f"{counted(len(found.bounded), 'month')}, {data['months_ahead']} ahead; integrity by {data['integrity'].replace('_', ' ')}."
    return Answer(
        "partition status", Exit.FINDINGS if findings else Exit.OK, data, headline=headline, notes=moving,
        next=data["due"][0]["next"] if data["due"] else "rlops verify" if problems else "",
    )  # fmt: skip


def _moving(db: Database, at: change.Change | None, kept: str | None) -> tuple[str, ...]:
    if change.is_old_dropped(db):
        return (f"{change.OLD} was dropped, and what kept it equal was not; `rlops partition finish` does that",)
    if at:
        return (f"a change of form is under way: {at.direction}, {at.phase}; `{at.command}` goes on with it",)
    return (f"{change.OLD} is kept equal as a way back; `rlops partition finish` drops it",) if kept else ()


def integrity_of(db: Database, live: Table) -> str:
    """foreign_keys, triggers or none: as the server shows keys, as rlops recorded it, or by the triggers that are seen."""
    if live.foreign_keys:
        return form.FOREIGN_KEYS
    if not live.partitioning:
        return form.NONE
    known = form.recorded(db).integrity
    if known in (form.TRIGGERS, form.NONE):
        return known
    with suppress(Denied):
        return form.TRIGGERS if integrity.guarding(db) else form.NONE
    return form.NONE


def ahead(found: Months, now: datetime) -> int:
    """How many whole months past the current one there are."""
    if not found.end:
        return 0
    return (found.end.year - now.year) * 12 + found.end.month - now.month - 1


def catch_all_rows(db: Database, sql: SqlFolder, found: Months) -> tuple[int | None, bool]:
    """The rows in the catch-all, counted, or estimated (True) where that takes too long; None without one."""
    if not found.catch_all:
        return None, False
    statement = sql.statement("partition/041_count_rows", {"table": INTERACTIONS, "partition": found.catch_all.name})
    try:
        with db.statement_limit(COUNT_FOR):
            return int(db.value(statement.sql, statement.values)), False
    except TimedOut:
        return found.catch_all.rows, True
    except ServerError:
        return None, False


@dataclass(frozen=True)
class Later:
    """Rows of the catch-all that are further ahead than months are made; `shown_by` is the statement to look at them with."""

    rows: int
    first: datetime
    shown_by: str

    def __str__(self) -> str:
        are = "is" if self.rows == 1 else "are"
        return f"{counted(self.rows, 'row')} of the catch-all {are} of {self.first:%Y-%m-%d} or later, for which no month is made"


def later_rows(db: Database, sql: SqlFolder, found: Months, now: datetime, rows: int | None) -> Later | None:
    """Those among the so many `rows` of the catch-all; None without any, or where to count them takes too long."""
    if not rows or not found.catch_all:
        return None
    wanted = sql.policy.partitions
    first = max(months.end_of_all(now, wanted), found.end or now)
    names = {"table": INTERACTIONS, "partition": found.catch_all.name, "column": wanted.column}
    statement = sql.statement("partition/042_rows_from", names, {"first": first, "limit": rows})
    with suppress(TimedOut), db.statement_limit(COUNT_FOR):
        if later := int(db.value(statement.sql, statement.values)):
            return Later(later, first, months.later_rows(INTERACTIONS, wanted, first))
    return None


def expired(found: Months, edge: datetime, now: datetime) -> list[Month]:
    """The months that are past the cutoff whole, the oldest first; never the current one or the last."""
    current = months.first_of(now)
    past = [month for month in found.bounded[:-1] if month.upper and month.upper <= min(edge, current)]
    return [month for month in past if month.name != found.all[-1].name]


def emptied(db: Database, sql: SqlFolder, past: list[Month]) -> list[Month]:
    """The first of these months that have no row, up to one that has some."""

    def has_rows(month: Month) -> bool:
        names = {"table": INTERACTIONS, "partition": month.name}
        return bool(db.value(sql.statement("partition/040_any_row", names).sql))

    return list(takewhile(lambda month: not has_rows(month), past))


def _due(db: Database, sql: SqlFolder, found: Months, now: datetime, rows: int | None) -> list[dict[str, Any]]:
    wanted = sql.policy.partitions
    due = []
    with suppress(Denied):
        if lost := drift.lost(db, sql):
            due.append({"what": f"missing or changed: {', '.join(lost)}", "next": definer.MEND})
    lacking = wanted.months_ahead - ahead(found, now)
    if lacking > 0:
        due.append({"what": f"{counted(lacking, 'month')} ahead missing", "next": "rlops partition ensure"})
    later = later_rows(db, sql, found, now, rows)
    if rows and (later is None or later.rows < rows):
        due.append({"what": f"the catch-all has {counted(rows, 'row')}", "next": "rlops partition ensure"})
    if later:
        due.append({"what": str(later), "next": later.shown_by})
    kept = sql.policy.retention.interactions_months
    past = expired(found, cutoff(now, kept), now)
    empty = emptied(db, sql, past)
    if left := past[len(empty) :]:
        due.append({"what": f"{_listed(left)} past retention", "next": f"rlops cleanup --months {kept}"})
    if empty:
        due.append({"what": f"{_listed(empty)} past retention and empty", "next": "rlops partition expire"})
    return due


def _listed(past: list[Month]) -> str:
    return f"{counted(len(past), 'month')} ({', '.join(month.name for month in past)})"


def _shown(db: Database, sql: SqlFolder, found: Months) -> list[dict[str, Any]]:
    archived = _archived(db)
    bounds = {bound for month in found.all for bound in (month.lower, month.upper) if bound}
    said = dict(zip(bounds, zoned(db, sql.policy.writers_time_zone, *bounds), strict=True))
    return [
        {
            "name": month.name, "from": said[month.lower].isoformat() if month.lower else None,
            "to": said[month.upper].isoformat() if month.upper else None, "rows": month.rows, "rows_estimated": True,
            "size_bytes": month.bytes, "archive": archived.get(months.first_of(month.upper, -1)) if month.upper else None,
        }
        for month in found.all
    ]  # fmt: skip


def _archived(db: Database) -> dict[datetime, dict[str, Any]]:
    """Of each month in the archive, by its first moment: its parts' rows, and the state of the one that is the least far.

    A purge's parts say nothing of their month.
    """
    from rlops.archive import parts  # with Arrow, which other commands don't wait for

    found: dict[datetime, dict[str, Any]] = {}
    for part in [each for each in parts.all_parts(db) if not each.only]:
        first = datetime(part.month.year, part.month.month, 1)
        known = found.setdefault(first, {"state": part.state, "rows": 0})
        known["rows"] += part.sum.rows
        known["state"] = min(known["state"], part.state, key=parts.STATES.index)
    return found
