"""Rows that the server joins into one value: a client reads them several times as fast as a row each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rlops.db import Database
from rlops.engines import EXACT
from rlops.sqlfiles import Statement

MOST_BYTES = 16_000_000  # of one value; the server's packets bound it, too
LONGEST = 24  # bytes of an id in a list, with its share of the statement that names the rows


@dataclass(frozen=True)
class Ids:
    """Ids along (timestamp, id), the last one's timestamp as the server writes it, and whether there may be more behind."""

    ids: list[int]
    last_timestamp: str
    more: bool


def allow(db: Database) -> int:
    """Let the session's GROUP_CONCAT() be as long as a value may be; returns how many bytes that are."""
    most = min(int(db.value("SELECT @@max_allowed_packet")), MOST_BYTES)
    db.execute(f"SET SESSION group_concat_max_len = {most}")
    return most


def next_ids(db: Database, select: Callable[[int], Statement], size: int) -> Ids:
    """What the statement for that limit, at most `size`, selects as `ids` and `last_timestamp`."""
    limit = max(1, min(size, allow(db) // LONGEST))
    statement = select(limit)
    with db.sql_mode(EXACT):  # a position may be a date that no calendar has
        row = db.row(statement.sql, statement.values) or {}
    ids = [int(number) for number in (row["ids"] or "").split(",") if number]
    return Ids(ids, row["last_timestamp"] or "", len(ids) == limit)
