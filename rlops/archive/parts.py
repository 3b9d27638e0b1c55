"""rlops' own table of the archive's parts, and the states that one goes through."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rlops.archive.parquet import Written
from rlops.archive.rows import Only, Range
from rlops.archive.store import Stored
from rlops.archive.sums import Sum
from rlops.db import Database, Row
from rlops.structure import Column

PLANNED, EXPORTED, VERIFIED, DELETING, DONE = STATES = ("planned", "exported", "verified", "deleting", "done")
TABLE = "rlops_part"


@dataclass(frozen=True)
class Part:
    """One part as the database has it. `late` parts hold rows that came, or changed, after their month was exported.
    A part of `only` some rows is a purge's, and says nothing of how far its month is exported.

    From a `fixed` one rows have been deleted: it holds what the table has no longer, so it is never exported anew.
    """

    id: int
    month: date
    number: int
    state: str
    late: bool
    only: Only | None
    token: str
    path: str
    range: Range
    sum: Sum
    sha256: str | None
    bytes: int
    raw_bytes: int
    columns: tuple[tuple[str, str, bool], ...]
    watermark: str | None
    deleted: int
    removed: int
    kept: int
    held: bool
    replacing: bool
    fixed: bool

    @property
    def table_columns(self) -> list[Column]:
        """The columns that were exported."""
        return [Column(name, kind, null) for name, kind, null in self.columns]

    @property
    def month_text(self) -> str:
        return f"{self.month:%Y-%m}"

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.month_text} part {self.number}"


def path(table: str, month: date, number: int) -> str:
    """The file's path below the archive's root."""
    return f"table={table}/year={month:%Y}/month={month:%m}/part-{number:05}.parquet"


def _part(row: Row) -> Part:
    ends = Range(row["after_timestamp"], int(row["after_id"]), row["to_timestamp"], int(row["to_id"]))
    known = Sum(row["row_count"] or 0, int(row["xor1"] or 0), int(row["xor2"] or 0), row["min_id"], row["max_id"])
    columns = tuple((name, kind, null) for name, kind, null in json.loads(row["columns_json"] or "[]"))
    column = row.get("only_column")  # an older rlops' table has none, until the next run that writes
    only = Only(column, int(row["only_id"])) if column else None
    return Part(
        row["id"], row["month"], row["number"], row["state"], bool(row["late"]), only, row["token"], row["path"], ends, known,
        row["sha256"], row["file_bytes"] or 0, row["raw_bytes"] or 0, columns, row["watermark"],
        row["deleted_rows"], row["removed_rows"], row["kept_rows"], bool(row["held"]), bool(row["replacing"]),
        row["deleting_at"] is not None,
    )  # fmt: skip


def exists(db: Database) -> bool:
    """Whether rlops has a table of parts here."""
    sql = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return bool(db.value(sql, (db.schema, TABLE)))


def all_parts(db: Database, month: date | None = None) -> list[Part]:
    """Every part, or those of a month, in their order; none where rlops has no table of them."""
    if not exists(db):
        return []
    where, values = (" WHERE month = %s", (month,)) if month else ("", None)
    return [_part(row) for row in db.rows(f"SELECT * FROM {TABLE}{where} ORDER BY month, number", values)]


def one(db: Database, number: int) -> Part | None:
    """A part by the number of its row."""
    row = db.row(f"SELECT * FROM {TABLE} WHERE id = %s", (number,))
    return _part(row) if row else None


def plan(
    db: Database, month: date, number: int, table: str, wanted: Range, *, only: Only | None, late: bool, token: str
) -> None:
    """Note a part that is about to be exported."""
    column, parent = (only.column, only.id) if only else (None, None)
    db.execute(
        f"INSERT INTO {TABLE} (month, number, state, late, only_column, only_id, token, path, after_timestamp, after_id,"
        " to_timestamp, to_id, planned_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6))",
        (
            month, number, PLANNED, late, column, parent, token, path(table, month, number),
            wanted.after, wanted.after_id, wanted.to, wanted.to_id,
        ),
    )  # fmt: skip


def exported(db: Database, part: Part, written: Written, columns: Sequence[Column]) -> None:
    """Note what was written."""
    listed = json.dumps([[column.name, column.type, column.null] for column in columns])
    _update(
        db,
        part,
        state=EXPORTED,
        columns_json=listed,
        raw_bytes=written.raw_bytes,
        **_contents(written.stored, written.sum),
    )


def replacing(db: Database, part: Part) -> None:
    """Note that a part's file is about to be replaced: whoever comes next settles it first."""
    _update(db, part, replacing=1)


def replaced(db: Database, part: Part, stored: Stored, known: Sum) -> None:
    """Note what a part's file holds after its replacement, or that it is the old one."""
    _update(db, part, replacing=0, **_contents(stored, known))


def deleted(db: Database, part: Part, watermark: str | None, counts: tuple[int, int, int]) -> None:
    """Note a chunk that was deleted: where it ends, and the rows that were deleted, were gone, and were changed."""
    gone, removed, kept = counts
    _update(
        db, part, watermark=watermark, deleted_rows=part.deleted + gone, removed_rows=part.removed + removed,
        kept_rows=part.kept + kept,
    )  # fmt: skip


def _contents(stored: Stored, known: Sum) -> dict[str, Any]:
    return {
        "row_count": known.rows, "min_id": known.min_id, "max_id": known.max_id, "xor1": known.xor1, "xor2": known.xor2,
        "sha256": stored.sha256, "file_bytes": stored.bytes,
    }  # fmt: skip


def move(db: Database, part: Part, state: str) -> None:
    """Note that a part has come to the next state, or is begun anew (`planned`)."""
    _update(db, part, state=state)


def _update(db: Database, part: Part, **values: Any) -> None:
    """A new state's time with it: behind a DDL, which ends the caller's transaction, each statement is committed at once."""
    setting = ", ".join(f"{name} = %s" for name in values)
    if (state := values.get("state", PLANNED)) != PLANNED:
        setting += f", {state}_at = UTC_TIMESTAMP(6)"
    db.execute(f"UPDATE {TABLE} SET {setting} WHERE id = %s", (*values.values(), part.id))


def fits(part: Part, columns: Sequence[Column]) -> bool:
    """Whether a part has these columns, so that its rows hold all of what such a table's do."""
    return part.columns == tuple((column.name, column.type, column.null) for column in columns)


def covered_to(found: Sequence[Part], since: datetime, until: datetime) -> Range:
    """What of a month no part has been planned for; late parts and a purge's don't count. Empty when the two ends are one."""
    whole = Range.between(since, until)
    ends = [(part.range.to, part.range.to_id) for part in found if not (part.late or part.only)]
    return whole.behind(*max(ends)) if ends else whole
