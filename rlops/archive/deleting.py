"""Deletes a part's rows from the live table: each chunk is compared under lock with what the part's file holds."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from rlops import packing, rowhash
from rlops.archive import columns as kinds
from rlops.archive import parquet, sums
from rlops.archive.parts import Part
from rlops.archive.store import Store
from rlops.db import Database
from rlops.errors import Failed
from rlops.ids import among
from rlops.sqlfiles import Keywords, SqlFolder, Statement
from rlops.structure import Column

MOST_BYTES = 4_000_000  # of the rows of one chunk
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
    _before: Key | None = None  # the last row ahead of the batch in hand

    def __post_init__(self) -> None:
        self._restart()

    def take(self, after: Key | None, size: int) -> tuple[pa.RecordBatch, Key] | None:
        """At most `size` rows behind `after`, and the last one's position; None at the end."""
        if self._before is not None and (after is None or after < self._before):
            self._restart()
        while (batch := self._batch) is not None:
            start = bisect_right(range(batch.num_rows), after, key=partial(_key, batch)) if after is not None else 0
            if start < batch.num_rows:
                found = batch.slice(start, size)
                return found, _key(found, found.num_rows - 1)
            self._before = _key(batch, batch.num_rows - 1) if batch.num_rows else self._before
            self._batch = next(self._batches, None)
        return None

    def _restart(self) -> None:
        self._before = None
        self._batches = parquet.batches(self.store, self.part.path, self.part.table_columns)
        self._batch = next(self._batches, None)


def _key(batch: pa.RecordBatch, row: int) -> Key:
    return batch.column("timestamp")[row].as_py(), batch.column("id")[row].as_py()


@dataclass(frozen=True)
class Piece:
    """Rows of a part that are deleted at once, along their ids, and the condition that names them.

    `sha256` is that of their texts, one behind the other, which are so many `bytes`.
    """

    batch: pa.RecordBatch
    ids: list[int]
    condition: Keywords
    sha256: str
    bytes: int
    end: Key


class Pieces:
    """A part's rows in pieces; the next one is read and hashed while the server deletes the one before."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._beside = ThreadPoolExecutor(1, "rlops-piece")
        self._next: tuple[Key, Future[Piece | None]] | None = None

    def take(self, after: Key | None, size: int) -> Piece | None:
        """At most `size` rows behind `after`, fewer where they are long; None at the end. Raises Missing, Damaged."""
        ahead, self._next = self._next, None
        piece = ahead[1].result() if ahead else None
        if ahead is None or ahead[0] != after or (piece and len(piece.ids) > size):
            piece = self._read(after, size)
        if piece:
            self._next = piece.end, self._beside.submit(self._read, piece.end, size)
        return piece

    def _read(self, after: Key | None, size: int) -> Piece | None:
        found = self.rows.take(after, size)
        if found is None:
            return None
        batch, end = found
        if batch.nbytes > MOST_BYTES and size > 1:
            return self._read(after, max(1, min(batch.num_rows, size) * MOST_BYTES // batch.nbytes))
        batch = batch.take(pc.sort_indices(batch.column("id")))
        ids, text = batch.column("id").to_pylist(), sums.joined(sums.texts(batch, self.rows.part.table_columns))
        return Piece(batch, ids, among(ids), hashlib.sha256(text).hexdigest(), len(text), end)


def chunk(db: Database, sql: SqlFolder, pieces: Pieces, watermark: str | None, *, delete: Delete, size: int) -> Deleted:
    """Delete about `size` of the part's rows behind the watermark, in the caller's transaction.

    A row that is as it was exported goes; one that is gone was removed by the shop; one that has changed stays, to be
    exported anew. Raises Failed when the server deletes another number of rows than it was told to.
    """
    piece = pieces.take(position(watermark) if watermark else None, size)
    if piece is None:
        return Deleted(0, 0, 0, watermark or "", last=True)
    columns, end, ids = pieces.rows.part.table_columns, mark(piece.end), piece.ids
    if _unchanged(db, sql, piece, columns):
        _delete(db, delete(piece.condition), len(ids))
        return Deleted(len(ids), 0, 0, end, last=False)
    names = {"digest": Keywords((kinds.digest(columns),)), "condition": piece.condition}
    lock = sql.statement("cleanup/040_lock_rows", names)
    live = {int(row["id"]): row["digest"] for row in db.rows(lock.sql)}
    exported = dict(zip(ids, sums.digests(piece.batch, columns), strict=True))
    same = [number for number, digest in live.items() if digest and bytes.fromhex(digest) == exported[number]]
    if same:
        _delete(db, delete(among(same)), len(same))
    return Deleted(len(same), len(ids) - len(live), len(live) - len(same), end, last=False)


def _unchanged(db: Database, sql: SqlFolder, piece: Piece, columns: Sequence[Column]) -> bool:
    """Lock the rows, and say whether all of them are there as they were exported: their whole text is hashed.

    They may be unchanged and this be false, when they are longer than the server makes a text.
    """
    if piece.bytes >= packing.allow(db):
        return False
    names = {"texts": Keywords((rowhash.row_text(columns),)), "condition": piece.condition}
    lock = sql.statement("cleanup/050_hash_rows", names)
    return bool(db.value(lock.sql) == piece.sha256)


def _delete(db: Database, statement: Statement, rows: int) -> None:
    count = db.execute(statement.sql, statement.values)
    if count != rows:
        raise Failed(
            f"the server deleted {count} rows of {rows} that were locked and compared; the chunk was rolled back",
            "Look at the table's triggers.", "other_count",
        )  # fmt: skip
