"""One part as a Parquet file: written in pages as they come, read again a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from rlops.archive import columns as kinds
from rlops.archive import sums
from rlops.archive.store import Store, Stored, void
from rlops.archive.sums import Sum
from rlops.errors import Failed
from rlops.structure import Column

GROUP_ROWS, GROUP_BYTES = 50_000, 16_000_000  # what is kept in memory at once: so many rows, or fewer long ones
OPTIONS: dict[str, Any] = {"compression": "zstd", "version": "2.6", "write_page_checksum": True}


class Damaged(Failed):
    """A file isn't what was written; what it says can't be relied on."""


@dataclass(frozen=True)
class Written:
    """A part's file: its bytes with their SHA-256, the sum of its rows, and their size before compression."""

    stored: Stored
    sum: Sum
    raw_bytes: int


@dataclass
class _Writer:
    columns: Sequence[Column]
    batches: Iterable[tuple[pa.RecordBatch, Sum]]
    sum: Sum = field(default_factory=Sum)
    raw_bytes: int = 0

    def __call__(self, sink: Any) -> None:
        schema, kept = kinds.schema(self.columns), list[pa.RecordBatch]()
        with pa.parquet.ParquetWriter(sink, schema, **OPTIONS) as writer:
            for batch, found in self.batches:
                self.sum += found
                self.raw_bytes += batch.nbytes
                kept.append(batch)
                if (
                    sum(each.num_rows for each in kept) >= GROUP_ROWS
                    or sum(each.nbytes for each in kept) >= GROUP_BYTES
                ):
                    writer.write_table(pa.Table.from_batches(kept))
                    kept.clear()
            writer.write_table(pa.Table.from_batches(kept, schema))


def write(store: Store, path: str, columns: Sequence[Column], batches: Iterable[tuple[pa.RecordBatch, Sum]]) -> Written:
    """Write rows and their sums to a file of that very name; the caller checks and publishes it."""
    writer = _Writer(columns, batches)
    stored = store.write_aside(path, writer)
    return Written(stored, writer.sum, writer.raw_bytes)


def batches(
    store: Store, path: str, columns: Sequence[Column], only: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The file's rows in their order, or `only` some of its columns. Raises Missing, or Damaged where it can't be decoded."""
    with store.open(path) as file:
        try:
            parquet = pa.parquet.ParquetFile(file, page_checksum_verification=True)
            if not parquet.schema_arrow.equals(kinds.schema(columns)):
                raise Damaged(f"{path} has other columns than its manifest says", "", "archive_damaged")
            for group in range(parquet.num_row_groups):
                yield from parquet.iter_batches(GROUP_ROWS, [group], list(only) if only else None, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise Damaged(f"{path} can't be decoded: {' '.join(str(error).split())}", "", "archive_damaged") from error


def check(
    store: Store,
    path: str,
    columns: Sequence[Column],
    stored: Stored,
    expected: Sum,
    *,
    tell: Callable[[int], None] = void,
) -> str:
    """What is wrong with a file, read and decoded whole; "" when nothing is. `tell` hears of the rows. Raises Missing."""
    found = store.look(path)
    if found != stored:
        what = f"{found.bytes} bytes instead of {stored.bytes}" if found.bytes != stored.bytes else "other bytes"
        return f"{what}, SHA-256 {found.sha256[:16]}… instead of {stored.sha256[:16]}…"
    try:
        total = Sum()
        for batch in batches(store, path, columns):
            total += sums.of(batch, columns)
            tell(total.rows)
    except Damaged as error:
        return error.message
    return total.differs(expected)
