"""Names rows by their ids in a statement: briefly, and so that nothing but these rows is locked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rlops.sqlfiles import Keywords, quote

THESE = Keywords(("`id` IN :ids",))  # as people read it
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
