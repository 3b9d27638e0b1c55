"""Deletes a part's rows from the live table: each chunk is compared under lock with what the part's file holds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from rlops import rowhash
from rlops.archive import columns as kinds
from rlops.archive import parquet, sums
from rlops.archive.parts import Part
from rlops.archive.rows import allow_pages
from rlops.archive.store import Store
from rlops.db import Database
from rlops.errors import Failed
from rlops.ids import among
from rlops.sqlfiles import Keywords, SqlFolder, Statement
from rlops.structure import Column

Key = tuple[datetime, int]
Delete = Callable[[Keywords], Statement]  # of the rows that this condition names


@dataclass(frozen=True)
class Deleted:
    """A chunk: rows deleted, gone before, and changed since the export; where it ends, and whether the part ends there."""

    rows: int
    removed: int
    kept: int
    watermark: str
    last: bool


def mark(key: Key) -> str:
    """A position as the record keeps it."""
    return f"{key[0].isoformat()} {key[1]}"


def position(watermark: str) -> Key:
    """The position that the record keeps."""
    when, number = watermark.split(" ")
    return datetime.fromisoformat(when), int(number)


@dataclass
class Rows:
    """A part's rows behind a position, a piece at a time; asked again for the same position, it gives the same rows."""

    store: Store
    part: Part
    _batches: Iterator[pa.RecordBatch] = field(init=False)
    _batch: pa.RecordBatch | None = None
    _keys: list[Key] = field(default_factory=list)
    _before: Key | None = None  # the last row ahead of the batch in hand

    def __post_init__(self) -> None:
        self._restart()

    def take(self, after: Key | None, size: int) -> tuple[pa.RecordBatch, list[Key]]:
        """At most `size` rows behind `after`; none at the end."""
        if self._before is not None and (after is None or after < self._before):
            self._restart()
        while self._batch is not None:
            start = bisect_right(self._keys, after) if after is not None else 0
            if start < len(self._keys):
                return self._batch.slice(start, size), self._keys[start : start + size]
            self._advance()
        return pa.RecordBatch.from_pylist([], schema=kinds.schema(self.part.table_columns)), []

    def _restart(self) -> None:
        self._before, self._keys = None, []
        self._batches = parquet.batches(self.store, self.part.path, self.part.table_columns)
        self._advance()

    def _advance(self) -> None:
        self._before = self._keys[-1] if self._keys else self._before
        self._batch = next(self._batches, None)
        if self._batch is not None:
            self._keys = list(
                zip(self._batch.column("timestamp").to_pylist(), self._batch.column("id").to_pylist(), strict=True)
            )


def chunk(db: Database, sql: SqlFolder, rows: Rows, watermark: str | None, *, delete: Delete, size: int) -> Deleted:
    """Delete about `size` of the part's rows behind the watermark, in the caller's transaction.

    A row that is as it was exported goes; one that is gone was removed by the shop; one that has changed stays, to be
    exported anew. Raises Failed when the server deletes another number of rows than it was told to.
    """
    batch, keys = rows.take(position(watermark) if watermark else None, size)
    if not keys:
        return Deleted(0, 0, 0, watermark or "", last=True)
    columns, end = rows.part.table_columns, mark(keys[-1])
    batch = batch.take(pc.sort_indices(batch.column("id")))
    ids = batch.column("id").to_pylist()
    condition = among(ids)
    if _unchanged(db, sql, batch, columns, condition):
        _delete(db, delete(condition), len(ids))
        return Deleted(len(ids), 0, 0, end, last=False)
    names = {"digest": Keywords((kinds.digest(columns),)), "condition": condition}
    lock = sql.statement("cleanup/040_lock_rows", names)
    live = {int(row["id"]): row["digest"] for row in db.rows(lock.sql)}
    exported = dict(zip(ids, sums.digests(batch, columns), strict=True))
    same = [number for number, digest in live.items() if digest and bytes.fromhex(digest) == exported[number]]
    if same:
        _delete(db, delete(among(same)), len(same))
    return Deleted(len(same), len(ids) - len(live), len(live) - len(same), end, last=False)


def _unchanged(
    db: Database, sql: SqlFolder, batch: pa.RecordBatch, columns: Sequence[Column], condition: Keywords
) -> bool:
    """Lock the rows, and say whether all of them are there as they were exported: their whole text is compared.

    They may be unchanged and this be false, when their text is too long to be sent at once.
    """
    expected = sums.joined(sums.texts(batch, columns))
    if len(expected) >= allow_pages(db):
        return False
    names = {"texts": Keywords((rowhash.row_text(columns),)), "condition": condition}
    lock = sql.statement("cleanup/050_lock_text", names)
    return bool((db.value(lock.sql) or "").encode() == expected)


def _delete(db: Database, statement: Statement, rows: int) -> None:
    count = db.execute(statement.sql, statement.values)
    if count != rows:
        raise Failed(
            f"the server deleted {count} rows of {rows} that were locked and compared; the chunk was rolled back",
            "Look at the table's triggers.", "other_count",
        )  # fmt: skip
