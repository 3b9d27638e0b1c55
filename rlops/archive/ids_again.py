"""What is said where new rows get ids that archived rows had: they would count as later states of those, and replace them."""

from __future__ import annotations

from rlops.archive import parts
from rlops.archive.export import Month
from rlops.archive.parts import Part
from rlops.db import Database
from rlops.errors import Failed, Refused
from rlops.structure import Table, read_table


def greatest(db: Database) -> int:
    """The greatest id in the archive; 0 if it has none."""
    return max((part.sum.max_id or 0 for part in parts.all_parts(db)), default=0)


def refuse(db: Database, live: Table) -> None:
    """Refuse where the table's counter is behind the archive's greatest id.

    Not on a partitioned table: one whose last month was taken out by an older rlops may count on from less.
    """
    last = greatest(db)
    if live.partitioning or live.auto_increment is None or live.auto_increment >= last:
        return
    raise Refused(
        f"{live.name} gives ids again that rows in the archive have: its AUTO_INCREMENT is {live.auto_increment}, and the"
        f" archive has ids up to {last}. Was it emptied by TRUNCATE, or made anew? Nothing was changed",
        _hint(live.name, last, live.auto_increment), "ids_again",
    )  # fmt: skip


def failed(db: Database, table: str, part: Part, other: Part, rows: int) -> Failed:
    """That rows of a part have ids of rows that were archived in another one and deleted."""
    live = read_table(db, table)
    counter = live.auto_increment if isinstance(live, Table) else None
    return Failed(
        f"{rows:,} rows of {part.month_text} have ids of archived rows ({other.path}), which are no longer in {table}: it gave"
        " them again. Was it emptied by TRUNCATE, or made anew? The archive has what it had",
        _hint(table, greatest(db), counter or 0, part), "ids_again",
    )  # fmt: skip


def _hint(table: str, last: int, counter: int, part: Part | None = None) -> str:
    which, where = "those that are there", ""
    if part:
        month = Month(part.month)
        which = f"those of {month}"
        where = f" WHERE timestamp >= '{month.since}' AND timestamp < '{month.until}'"
    return (
        f"`ALTER TABLE {table} AUTO_INCREMENT = {last + counter}` for rows to come; {which} get"
        f" other ids by `UPDATE {table} SET id = id + {last}{where}`, in pieces where they are many. Then type it again."
    )
