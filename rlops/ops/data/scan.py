"""Reads a table newest id first, in short statements; each is a snapshot of its own and takes no lock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from rlops.db import Conflict, Database, Row, TimedOut
from rlops.pace import Pace
from rlops.sqlfiles import SqlFile, SqlFolder
from rlops.words import counted


@dataclass(frozen=True)
class Bounds:
    """Where to stop, for each table: after so many rows, or seconds. None: at its beginning."""

    rows: int | None = None
    seconds: float | None = None


RECENT = Bounds(200_000, 30.0)
FULL = Bounds()
FURTHER_ROWS = 5000  # of the first chunk below the newest rows
FURTHER_SECONDS = 30.0  # that a look goes on there


@dataclass
class Range:
    """What was looked at: `rows` rows with ids from `first_id` to `last_id`; `complete` when that is the whole table.

    Rows that were added after the look began are not part of it.
    """

    table: str
    first_id: int | None = None
    last_id: int | None = None
    rows: int = 0
    complete: bool = False

    def __str__(self) -> str:
        if self.first_id is None:
            return f"no row of {self.table}"
        return f"{counted(self.rows, 'row')} of {self.table}, ids {self.first_id:,} to {self.last_id:,}"


def newest_first(db: Database, sql: SqlFolder, file: str, seen: Range, bounds: Bounds) -> Iterator[list[Row]]:
    """Chunks of rows down to the beginning or the bounds; `seen` grows with each.

    A partitioned table may hold one id twice, so a chunk's lowest id is left to the next chunk, where its rows come
    together. Raises ServerError; TimedOut (on OceanBase: Conflict) when even the smallest chunk takes too long.
    """
    edges = sql.statement("data/010_id_range", {"table": seen.table})
    edge = db.row(edges.sql) or {"last_id": None}
    seen.complete = edge["last_id"] is None
    pace, began, until = Pace(size=2000, least=100), time.monotonic(), edge["last_id"]
    while not seen.complete and not _reached(bounds, seen, began):
        size = pace.size if bounds.rows is None else min(pace.size, bounds.rows - seen.rows)
        chunk_began = time.monotonic()
        rows = _read(db, sql.file(file), until, size, pace)
        if rows and rows[-1]["id"] > edge["first_id"]:
            rows = [row for row in rows if row["id"] != rows[-1]["id"]] or rows
        if rows:
            seen.first_id, seen.last_id = rows[-1]["id"], seen.last_id or rows[0]["id"]
            seen.rows += len(rows)
            until = rows[-1]["id"] - 1
            yield rows
        seen.complete = not rows or until < edge["first_id"]
        pace.took(len(rows), time.monotonic() - chunk_began)


def further_down(db: Database, sql: SqlFolder, seen: Range, until: int) -> Iterator[tuple[int, int]]:
    """Ranges of ids from `until` down, for FURTHER_SECONDS or to the beginning; `seen` grows with each that was dealt with."""
    pace, began = Pace(target=0.25, size=FURTHER_ROWS, least=100, most=200_000), time.monotonic()
    while not seen.complete and (seen.last_id is None or time.monotonic() - began < FURTHER_SECONDS):
        chunk_began = time.monotonic()
        ask = sql.statement("data/012_rows_further_down", {"table": seen.table}, {"last_id": until, "limit": pace.size})
        row = db.row(ask.sql, ask.values) or {"first_id": None}
        if row["first_id"] is None:
            seen.complete = True
            return
        first = int(row["first_id"])
        yield first, until
        seen.first_id, seen.last_id, seen.complete = first, seen.last_id or until, row["row_count"] < pace.size
        seen.rows += int(row["row_count"])
        until = first - 1
        pace.took(int(row["row_count"]), time.monotonic() - chunk_began)


def _reached(bounds: Bounds, seen: Range, began: float) -> bool:
    if bounds.rows is not None and seen.rows >= bounds.rows:
        return True
    return bounds.seconds is not None and time.monotonic() - began >= bounds.seconds


def _read(db: Database, file: SqlFile, until: int, size: int, pace: Pace) -> list[Row]:
    while True:
        statement = file.statement(values={"last_id": until, "limit": size})
        try:
            return db.rows(statement.sql, statement.values)
        except (TimedOut, Conflict):
            if size <= pace.least:
                raise
            pace.refused()
            size = min(size, pace.size)
