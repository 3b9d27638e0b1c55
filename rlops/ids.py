"""Names rows by their ids in a statement: briefly, and so that nothing but these rows is locked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rlops.db import Database
from rlops.sqlfiles import Keywords, SqlFolder, quote

THESE = Keywords(("`id` IN :ids",))  # as people read it
LEAST, GREATEST = -(2**63), 2**64 - 1  # of BIGINT, and of an unsigned one
RANGE = 20  # ids without a gap from which on a range is shorter to say than each of them


def among(ids: Iterable[int], column: str = "id") -> Keywords:
    """The condition that a row's id, which is in this column, is one of these, of which there is at least one.

    A range ends ahead of its last row, which is named by itself: a server may lock the row behind a range, or the gap
    in which the shop inserts.
    """
    alone: list[int] = []
    ranges: list[str] = []
    for first, last in _runs(sorted(ids)):
        if last - first + 1 < RANGE:
            alone += range(first, last + 1)
        else:
            ranges.append(f"{quote(column)} BETWEEN {first} AND {last - 1}")
            alone.append(last)
    listed = ", ".join(map(str, alone))
    return Keywords((f"({' OR '.join((*ranges, f'{quote(column)} IN ({listed})'))})",))


def double_id(
    db: Database, sql: SqlFolder, table: str, after: int = LEAST, upto: int = GREATEST, *, column: str = "id"
) -> int | None:
    """The least id past `after`, up to `upto`, that the table has more than once, as a primary key with the timestamp lets it."""
    ask = sql.statement(
        "partition/682_double_id", {"table": table, "key_columns": column}, {"first": after, "last": upto}
    )
    row = db.row(ask.sql, ask.values)
    return int(row["id"]) if row else None


def given_again(table: str, last: int, counter: int) -> str:
    """What to run where a table, whose AUTO_INCREMENT is `counter`, gives ids again that the archive has up to `last`."""
    past = max(last, counter)
    return (
        f"`ALTER TABLE {table} AUTO_INCREMENT = {past + counter}` for rows to come; rows that have got such ids get others by"
        f" `UPDATE {table} SET id = id + {past}`, in pieces where they are many. Then type it again."
    )


def _runs(ids: list[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of each run of ids that follow each other."""
    first = last = ids[0]
    for number in ids[1:]:
        if number > last + 1:
            yield first, last
            first = number
        last = number
    yield first, last
