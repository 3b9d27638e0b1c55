"""The months of a partitioned table, by their real bounds: what is there, what should be, and what doesn't fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from rlops.clock import dated
from rlops.db import Database
from rlops.policy import Partitions
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import Finding

METHOD = "RANGE COLUMNS"
MOST_AHEAD = 24  # months past the current one, made for rows that are there; later ones stay in the catch-all
_BOUND = re.compile(r"'(\d{4}-\d\d-\d\d)(?: (\d\d:\d\d:\d\d))?(?:\.0+)?'")


@dataclass(frozen=True)
class Month:
    """One partition: rows from `lower` (None: no bound) to before `upper` (None: no bound, or one that is no date).

    `rows` and `bytes` are the server's estimates.
    """

    name: str
    lower: datetime | None
    upper: datetime | None
    bound: str
    rows: int | None
    bytes: int

    @property
    def catch_all(self) -> bool:
        """Whether it takes everything past the last month."""
        return self.bound == "MAXVALUE"


@dataclass(frozen=True)
class Months:
    """All partitions of one table in their order, empty where it has none; `key` is what it is partitioned by."""

    key: str
    all: tuple[Month, ...]

    @property
    def bounded(self) -> tuple[Month, ...]:
        """Those with an upper bound."""
        return tuple(month for month in self.all if month.upper)

    @property
    def catch_all(self) -> Month | None:
        """The partition for what is past the last month."""
        return next((month for month in self.all if month.catch_all), None)

    @property
    def end(self) -> datetime | None:
        """The bound behind the last month."""
        return self.bounded[-1].upper if self.bounded else None


def read(db: Database, sql: SqlFolder, table: str) -> Months:
    """The table's partitions, bounds as information_schema.PARTITIONS has them. Raises ServerError."""
    statement = sql.statement("partition/030_read_months", values={"schema": db.schema, "table": table})
    found: list[Month] = []
    key = ""
    for row in db.rows(statement.sql, statement.values):
        key = f"{row['method']} ({str(row['expression'] or '').replace('`', '')})"
        bound = str(row["bound"])
        lower = found[-1].upper if found else None
        found.append(Month(row["name"], lower, _date(bound), bound, row["estimated_rows"], int(row["bytes"] or 0)))
    return Months(key, tuple(found))


def _date(bound: str) -> datetime | None:
    match = _BOUND.fullmatch(bound.strip())
    return datetime.fromisoformat(f"{match[1]} {match[2] or '00:00:00'}") if match else None


def span(db: Database, sql: SqlFolder, table: str) -> tuple[datetime | None, datetime | None]:
    """The first and the last row's time; None where there is none."""
    query = sql.statement("partition/050_first_and_last", {"table": table, "column": sql.policy.partitions.column})
    found = db.row(query.sql) or {}
    first, last = (dated(found[end]) if found.get(end) else None for end in ("first", "last"))
    return first, last


def first_of(time: datetime, plus: int = 0) -> datetime:
    """Midnight on the first day of that time's month, plus so many months, as far as years have four digits."""
    index = min(max(time.year * 12 + time.month - 1 + plus, 12), 9999 * 12 + 11)
    return datetime(index // 12, index % 12 + 1, 1)


def between(first: datetime, last: datetime) -> list[datetime]:
    """The first days of the months from that of `first` to that of `last`."""
    count = (last.year - first.year) * 12 + last.month - first.month
    return [first_of(first, n) for n in range(count + 1)]


def end_of_all(now: datetime, wanted: Partitions) -> datetime:
    """The first moment for whose rows no month is made now."""
    return first_of(now, 1 + max(MOST_AHEAD, wanted.months_ahead))


def later_rows(table: str, wanted: Partitions, first: datetime) -> str:
    """The statement that shows rows of that moment or later, for a person to look at."""
    column = quote(wanted.column)
    return f"SELECT * FROM {quote(table)} WHERE {column} >= '{first:%Y-%m-%d}' ORDER BY {column} LIMIT 20"


def problems(months: Months, table: str, wanted: Partitions) -> Iterator[Finding]:
    """What doesn't fit one partition a month with a catch-all behind. Any of it forbids to drop anything."""
    by = f"{METHOD} ({wanted.column})"
    if months.key.lower() != by.lower():
        yield Finding("partitions", table, by, months.key or "none", "")
        return
    for month in months.all:
        if month.upper is None and not month.catch_all:
            yield _finding("partition.bound", table, month, "the first of a month", month.bound)
        elif month.upper and month.upper != first_of(month.upper):
            yield _finding("partition.bound", table, month, "midnight on the first of a month", month.bound)
    for before, after in pairwise(months.bounded):
        assert before.upper and after.upper
        if after.upper <= before.upper:
            yield _finding("partition.overlap", table, after, f"a bound past {before.bound}", after.bound)
        elif first_of(before.upper, 1) < first_of(after.upper):
            missing = f"a partition for each month from {before.upper:%Y-%m} to {first_of(after.upper, -1):%Y-%m}"
            yield _finding("partition.gap", table, after, missing, f"one for all of them, before {after.bound}")
    if months.all and not months.all[-1].catch_all:
        hint = f"ALTER TABLE {quote(table)} ADD PARTITION ({catch_all(wanted)})"
        yield Finding("partition.catch_all", table, "a catch-all behind the last month", "none", hint)


def _finding(check: str, table: str, month: Month, expected: str, actual: str) -> Finding:
    return Finding(check, f"{table}.{month.name}", expected, actual, "")


def definition(month: datetime) -> str:
    """The definition of that month's partition."""
    return f"PARTITION {quote(f'p{month:%Y%m}')} VALUES LESS THAN ('{first_of(month, 1):%Y-%m-%d}')"


def catch_all(wanted: Partitions) -> str:
    """The definition of the catch-all."""
    return f"PARTITION {quote(wanted.catch_all)} VALUES LESS THAN (MAXVALUE)"


def definitions(months: Sequence[datetime], *more: str) -> Keywords:
    """Those months' partitions for a statement, and what follows them."""
    return Keywords((*map(definition, months), *more))
