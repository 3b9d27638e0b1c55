"""Keep months ahead of the clock: what should be there minus what is, split off the catch-all while it is empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from rlops.clock import writers_now
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import integrity, months
from rlops.ops.partition.months import Months
from rlops.ops.partition.status import ahead as months_ahead
from rlops.ops.partition.status import catch_all_rows, live_table
from rlops.plan import Answer, Expect, Plan, Step
from rlops.sqlfiles import SqlFolder
from rlops.structure.model import literal
from rlops.words import counted

SPLIT_ROWS = 5000  # rows in the catch-all that a split may copy while writers wait: about a tenth of a second
MOST_AHEAD = 24  # months; rows further ahead than that stay in the catch-all


def plan(db: Database, sql: SqlFolder, ahead: int | None) -> Plan:
    """Plan the months that are missing, up to `ahead` whole months past the current one (by default the policy's).

    Raises Refused for a table that isn't partitioned by month, or whose catch-all has too many rows to split.
    """
    live_table(db)
    wanted = sql.policy.partitions
    now = writers_now(db, sql.policy.writers_time_zone)
    found = months.read(db, sql, INTERACTIONS)
    refuse_foreign(found, sql)
    rows, _ = catch_all_rows(db, sql, found)
    upto = months.first_of(now, wanted.months_ahead if ahead is None else ahead)
    if rows and (last := _last(db, sql)) and last > upto:
        upto = min(months.first_of(last), months.first_of(now, MOST_AHEAD))
    end = found.end or months.first_of(now)
    lacking = months.between(end, upto) if end <= upto else []
    data: dict[str, Any] = {
        "months_ahead": months_ahead(found, now), "created_partitions": [f"p{month:%Y%m}" for month in lacking], "catch_all_rows": rows,
    }  # fmt: skip
    if not lacking and found.catch_all:
        return Plan("partition ensure", (), data, again="rlops partition ensure")
    if rows and rows > SPLIT_ROWS:
        _refuse_full(rows)
    steps = _steps(db, sql, found, lacking, rows or 0)
    notes = (f"the split copies {counted(rows, 'row')} of the catch-all while writers wait",) if rows else ()
    if db.family == "oceanbase" and found.catch_all:
        notes = (
            *notes,
            "between the two steps a row past the last month is refused (1526): this engine can't split a partition",
        )
    return Plan("partition ensure", tuple(steps), data, notes, again="rlops partition ensure")


def upkeep(db: Database, sql: SqlFolder) -> Plan:
    """As `plan`, by the policy; on a table that isn't partitioned there is nothing to do."""
    if live_table(db).partitioning is None:
        return Plan("partition ensure", (), {"months_ahead": None, "created_partitions": [], "catch_all_rows": None})
    return plan(db, sql, None)


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


def _refuse_full(rows: int) -> None:
    raise Refused(
        f"the catch-all has {rows:,} rows: to split it would copy them while every writer waits. Nothing was changed",
        "`rlops partition disable`, then `rlops partition enable`, gives them months of their own.", "catch_all_full",
    )  # fmt: skip


def _last(db: Database, sql: SqlFolder) -> datetime | None:
    names = {"table": INTERACTIONS, "column": sql.policy.partitions.column}
    statement = sql.statement("partition/050_first_and_last", names)
    last: datetime | None = (db.row(statement.sql) or {}).get("last")
    return last


def _steps(db: Database, sql: SqlFolder, found: Months, lacking: Sequence[datetime], rows: int) -> list[Step]:
    catch_all = months.catch_all(sql.policy.partitions)
    parts = months.definitions(lacking, catch_all)
    touches = (INTERACTIONS, *integrity.the_child(sql).parents)
    names: dict[str, Any] = {"table": INTERACTIONS, "partitions": parts}
    title = f"add {counted(len(lacking), 'month')}"
    expect = (exists(db, f"p{lacking[-1]:%Y%m}" if lacking else sql.policy.partitions.catch_all),)
    if not found.catch_all:
        return [
            Step(f"{title} and a catch-all", sql.statement("partition/310_add_months", names), expect, touches=touches)
        ]
    names["partition"] = found.catch_all.name
    if db.family != "oceanbase":
        split = sql.statement("partition/300_split_catch_all", names)
        return [Step(f"{title}, split off the catch-all", split, expect, touches=touches)]
    if rows:
        _refuse_full(rows)
    gone = (exists(db, found.catch_all.name, present=False),)
    return [
        Step("drop the empty catch-all", sql.statement("partition/320_drop_partition", names), gone, touches=touches),
        Step(
            f"{title} and the catch-all again",
            sql.statement("partition/310_add_months", names),
            expect,
            touches=touches,
        ),
    ]


def exists(db: Database, partition: str, *, present: bool = True) -> Expect:
    """The fact that the interactions have a partition of that name."""
    sql = (
        "SELECT COUNT(*) AS n FROM information_schema.PARTITIONS WHERE"
        f" TABLE_SCHEMA = {literal(db.schema)} AND TABLE_NAME = {literal(INTERACTIONS)} AND PARTITION_NAME = {literal(partition)}"
    )
    return Expect("query", INTERACTIONS, sql, present)


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look at the months after the run."""
    if answer.data["months_ahead"] is None:
        return replace(answer, headline=f"Nothing to do: {INTERACTIONS} isn't partitioned.")
    found = months.read(db, sql, INTERACTIONS)
    now = writers_now(db, sql.policy.writers_time_zone)
    data = {
        **answer.data,
        "months_ahead": months_ahead(found, now),
        "catch_all_rows": catch_all_rows(db, sql, found)[0],
    }
    names = {month.name for month in found.all}
    if absent := [name for name in data["created_partitions"] if name not in names]:
        error = Failed(
            f"after the run {', '.join(absent)} is missing", "Look with `rlops partition status`.", "not_verified"
        )
        return replace(answer, exit=Exit.FAILED, data=data, error=error)
    if not answer.steps:
        return replace(answer, data=data, headline=f"Nothing to do: {counted(data['months_ahead'], 'month')} ahead.")
    return replace(
        answer,
        data=data,
        headline=f"{counted(len(data['created_partitions']), 'month')} added; {data['months_ahead']} ahead.",
    )
