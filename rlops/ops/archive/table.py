"""The live table that is archived: whether it can be, and which months of it are due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rlops import counting
from rlops.archive import columns as kinds
from rlops.archive import parts
from rlops.archive.export import Month
from rlops.clock import EARLIEST, dated
from rlops.db import Database, TimedOut
from rlops.errors import Refused
from rlops.ids import given_again
from rlops.ops import declared
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import hold
from rlops.sqlfiles import Keywords, SqlFolder
from rlops.structure import Column, Table

__all__ = ["Column", "columns", "count", "line", "months"]

COUNT_FOR = 5.0  # seconds for counting one month's rows


def columns(db: Database) -> tuple[Column, ...]:
    """The live table's columns. Raises Refused when they, or its idx_timestamp, are not what an archive needs."""
    live = declared.live_interactions(db)
    if "idx_timestamp" not in {index.name for index in live.indexes}:
        raise Refused(
            f"{INTERACTIONS} has no index idx_timestamp, and each page would read the whole table. Nothing was changed",
            "`rlops verify` says how to add it.", "no_index",
        )  # fmt: skip
    if reason := kinds.refusal(live.columns):
        raise Refused(
            f"{INTERACTIONS} can't be archived: {reason}. Nothing was changed",
            "Change that column's type or name.",
            "not_exact",
        )
    _refuse_ids_again(db, live)
    return live.columns


def _refuse_ids_again(db: Database, live: Table) -> None:
    """Refuse where new rows get ids that archived rows had: they would count as later states of those, and replace them.

    Not while a month is on its way out, after which a partitioned table counts on from past its ids.
    """
    last = max((part.sum.max_id or 0 for part in parts.all_parts(db)), default=0)
    if live.auto_increment is None or live.auto_increment >= last or (live.partitioning and hold.being_filled(db)):
        return
    raise Refused(
        f"{INTERACTIONS} gives ids again that rows in the archive have: its AUTO_INCREMENT is {live.auto_increment}, and the"
        f" archive has ids up to {last}. Was it emptied by TRUNCATE, or made anew? Nothing was changed",
        given_again(INTERACTIONS, last, live.auto_increment),
        "ids_again",
    )


def line(columns: Sequence[Column]) -> Keywords:
    """The SQL of a row's line, for the statement that is shown."""
    return Keywords((kinds.line(columns),))


def months(db: Database, sql: SqlFolder, until: datetime) -> Iterator[Month]:
    """The months before `until` that have live rows, oldest first."""
    since = EARLIEST
    while since < until:
        query = sql.statement("archive/010_first_month", values={"since": since, "until": until})
        first = db.value(query.sql, query.values)
        if first is None:
            return
        month = Month(dated(first).date().replace(day=1))
        yield month
        since = month.until


def is_any_before(db: Database, sql: SqlFolder, until: datetime) -> bool:
    """Whether there is a row before that time, one without a date among them."""
    query = sql.statement("archive/015_any_before", values={"until": until})
    return bool(db.value(query.sql, query.values))


def undated(db: Database, sql: SqlFolder) -> tuple[str, ...]:
    """What is said where rows have a date before EARLIEST, such as 0001-01-01 or 0000-00-00: they never expire."""
    if not is_any_before(db, sql, EARLIEST):
        return ()
    return (
        "rows dated before the year 1000 belong to no month, and stay: give them a date, or delete them;"
        f" SELECT * FROM {INTERACTIONS} WHERE `timestamp` < '1000-01-01' shows them",
    )


def count(db: Database, sql: SqlFolder, month: Month) -> counting.Rows:
    """The month's live rows, counted where that is quick, else the optimizer's estimate."""
    query = sql.statement("archive/040_count", values={"since": month.since, "until": month.until})
    try:
        with db.statement_limit(COUNT_FOR):
            return counting.Rows(int(db.value(query.sql, query.values)), False, "COUNT(*) along idx_timestamp")
    except TimedOut:
        explained = db.row("EXPLAIN " + query.sql, query.values) or {}
        return counting.Rows(int(explained.get("rows") or 0), True, "the optimizer's estimate")
