"""Keep months ahead of the clock: what should be there minus what is, split off the catch-all, or drained out of a full one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from rlops.clock import writers_now
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import change, convert, drain, integrity, months, online
from rlops.ops.partition.months import Months
from rlops.ops.partition.status import ahead as months_ahead
from rlops.ops.partition.status import catch_all_rows, later_rows, live_table
from rlops.plan import Answer, Plan, Step
from rlops.sqlfiles import SqlFolder
from rlops.words import counted


def plan(db: Database, sql: SqlFolder, ahead: int | None, *, drains: bool = True, postpone: bool = False) -> Plan:
    """Plan the months that are missing, up to `ahead` whole months past the current one (by default the policy's).

    A catch-all with many rows is drained where that is allowed; `postpone` stops before the tables change places.
    Raises Refused for a table that isn't partitioned by month, and as the drain does.
    """
    live_table(db)
    wanted = sql.policy.partitions
    now = writers_now(db, sql.policy.writers_time_zone)
    found = months.read(db, sql, INTERACTIONS)
    refuse_foreign(found, sql)
    rows, estimated = catch_all_rows(db, sql, found)
    upto = months.first_of(now, wanted.months_ahead if ahead is None else ahead)
    if rows and (last := months.span(db, sql, INTERACTIONS)[1]) and last > upto:
        upto = max(upto, min(months.first_of(last), months.first_of(now, months.MOST_AHEAD)))
    end = found.end or months.first_of(now)
    lacking = months.between(end, upto) if end <= upto else []
    data: dict[str, Any] = {
        "months_ahead": months_ahead(found, now), "created_partitions": [f"p{month:%Y%m}" for month in lacking], "catch_all_rows": rows,
    }  # fmt: skip
    at = change.under_way(db)
    if at and at.direction == "drain":
        if not drains:
            change.refuse_busy(db, "another month")
        return drain.plan(db, sql, found, lacking, data, postpone=postpone)
    if not lacking and found.catch_all:
        return Plan("partition ensure", (), data, again="rlops partition ensure")
    if found.catch_all and (estimated or (rows or 0) > drain.SPLIT_ROWS):  # estimated: it took too long to count them
        if not db.engine.can.reorganizes or not drains:
            _refuse_full(db, rows or 0, estimated=estimated)
        return drain.plan(db, sql, found, lacking, data, postpone=postpone)
    return Plan(
        "partition ensure", tuple(_steps(db, sql, found, lacking, rows or 0)), data, _notes(db, found, rows),
        again="rlops partition ensure",
    )  # fmt: skip


def _notes(db: Database, found: Months, rows: int | None) -> tuple[str, ...]:
    notes = (f"the split copies {counted(rows, 'row')} of the catch-all while writers wait",) if rows else ()
    if not db.engine.can.reorganizes and found.catch_all:
        past = "between the two steps a row past the last month is refused (1526): this engine can't split a partition"
        return (*notes, past)
    return notes


def upkeep(db: Database, sql: SqlFolder) -> Plan:
    """As `plan`, by the policy, but nothing long; on a table that isn't partitioned there is nothing to do."""
    if live_table(db).partitioning is None:
        return Plan("partition ensure", (), {"months_ahead": None, "created_partitions": [], "catch_all_rows": None})
    return plan(db, sql, None, drains=False)


def refuse_foreign(found: Months, sql: SqlFolder, *, whole: bool = False) -> None:
    """Refuse a table that isn't partitioned as declared; with `whole`, one whose months have a gap or a stranger, too."""
    if not found.all:
        raise Refused(
            f"{INTERACTIONS} isn't partitioned; nothing was changed",
            "`rlops partition enable` does it.",
            "not_partitioned",
        )
    problems = list(months.problems(found, INTERACTIONS, sql.policy.partitions))
    bad = [each for each in problems if whole or each.check in ("partitions", "partition.bound")]
    if bad:
        first = bad[0]
        raise Refused(
            f"the partitions aren't one a month: {first.object}: {first.check} is {first.actual}, expected {first.expected}."
            " Nothing was changed",
            "`rlops verify` shows everything that differs; mend it by hand first.", "partitions_differ",
        )  # fmt: skip


def _refuse_full(db: Database, rows: int, *, estimated: bool = False) -> None:
    hint = "`rlops partition ensure` drains it while the shop goes on."
    if not db.engine.can.reorganizes:
        hint = "This engine can't split a partition: move those rows elsewhere, type it again, and put them back."
    raise Refused(
        f"the catch-all has {'about ' if estimated else ''}{rows:,} rows: to split it would copy them while every writer"
        " waits. Nothing was changed", hint, "catch_all_full",
    )  # fmt: skip


def _steps(db: Database, sql: SqlFolder, found: Months, lacking: Sequence[datetime], rows: int) -> list[Step]:
    touches = (INTERACTIONS, *integrity.the_child(sql).parents)
    if found.catch_all and db.engine.can.reorganizes:
        return [convert.split(db, sql, INTERACTIONS, found, lacking, touches=touches)]
    catch_all = sql.policy.partitions.catch_all
    names: dict[str, Any] = {
        "table": INTERACTIONS, "partitions": months.definitions(lacking, months.catch_all(sql.policy.partitions)),
    }  # fmt: skip
    last = f"p{lacking[-1]:%Y%m}" if lacking else catch_all
    there = (convert.partition_exists(db, INTERACTIONS, last),)
    title = f"add {counted(len(lacking), 'month')} and a catch-all"
    add = Step(title, sql.statement("partition/310_add_months", names), there, touches=touches)
    if not found.catch_all:
        return [add]
    if rows:
        _refuse_full(db, rows)
    gone = (convert.partition_exists(db, INTERACTIONS, found.catch_all.name, present=False),)
    names = {"table": INTERACTIONS, "partition": found.catch_all.name}
    drop = sql.statement("partition/320_drop_partition", names)
    return [Step("drop the empty catch-all", drop, gone, touches=touches), add]


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look at the months after the run, or at what a drain has made ready."""
    if answer.data["months_ahead"] is None:
        return replace(answer, headline=f"Nothing to do: {INTERACTIONS} isn't partitioned.")
    if change.under_way(db):
        return online.verify(db, sql, answer)
    found = months.read(db, sql, INTERACTIONS)
    now = writers_now(db, sql.policy.writers_time_zone)
    ahead = months_ahead(found, now)
    rows, _ = catch_all_rows(db, sql, found)
    data = {**answer.data, "months_ahead": ahead, "catch_all_rows": rows}
    if "phase" in data:
        data["phase"] = None
    names = {month.name for month in found.all}
    if absent := [name for name in data["created_partitions"] if name not in names]:
        error = Failed(
            f"after the run {', '.join(absent)} is missing", "Look with `rlops partition status`.", "not_verified"
        )
        return replace(answer, exit=Exit.FAILED, data=data, error=error)
    headline = f"{counted(len(data['created_partitions']), 'month')} added; {ahead} ahead."
    if not answer.steps:
        headline = f"Nothing to do: {counted(ahead, 'month')} ahead."
    later = later_rows(db, sql, found, now, rows)
    stay = (f"{later}; `{later.shown_by}` shows them",) if later else ()
    old = (f"{change.OLD} is kept equal; `rlops partition finish` drops it",) if change.kept(db) else ()
    following = "rlops verify" if old and answer.steps else ""
    return replace(answer, data=data, headline=headline, notes=(*answer.notes, *stay, *old), next=following)
