"""Replaces a part's file by one without some of its rows, so that a reader finds the one or the other, and nothing between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from rlops import lock
from rlops.archive import columns as kinds
from rlops.archive import manifest, parquet, parts, sums
from rlops.archive.manifest import Contents
from rlops.archive.parts import Part
from rlops.archive.store import Store
from rlops.archive.sums import Sum
from rlops.db import Database
from rlops.errors import Failed


def without(db: Database, store: Store, part: Part, ids: pa.Array, why: str) -> int:
    """Write the part anew without the rows of these ids; returns how many it was. The part is marked as `replacing`.

    Raises Failed when the part, or what was written, isn't what it should be; the old file then stays.
    """
    known = manifest.read(store, part.path)
    if known is None or known.token != part.token:
        raise Failed(f"{part.path} has no manifest of its own", "`rlops archive verify` says more.", "archive_damaged")
    temporary = store.temporary(part.path)
    written = parquet.write(store, temporary, part.table_columns, _left(db, store, part, ids))
    contents = Contents.of(written.stored, written.sum, why)
    if wrong := parquet.check(store, temporary, part.table_columns, contents.stored, contents.sum):
        raise Failed(f"{part.path} could not be written anew: {wrong}", "", "not_verified")
    pending = replace(known, pending=contents)
    pending.write(store)
    store.publish(temporary, part.path)
    pending.replaced().write(store)
    parts.replaced(db, part, written.stored, written.sum)
    return part.sum.rows - written.sum.rows


def settle(db: Database, store: Store, part: Part) -> None:
    """Find out which file a part has whose replacement was interrupted, and say so in manifest and record.

    Raises Failed when it is neither the old one nor the new one.
    """
    known, stored = manifest.read(store, part.path), store.look(part.path)
    for contents in () if known is None else (known.contents, known.pending):
        if known and contents and contents.stored == stored:
            holding = known.replaced() if contents is known.pending else replace(known, pending=None)
            holding.write(store)
            for left in store.leftovers(part.path):
                store.remove(left)
            parts.replaced(db, part, stored, contents.sum)
            return
    raise Failed(
        f"{part.path} is neither what it was nor what it was to be replaced by", "`rlops archive verify` says more.",
        "archive_damaged",
    )  # fmt: skip


def holding(store: Store, part: Part, ids: pa.Array) -> bool:
    """Whether a part has a row of one of these ids."""
    return any(
        pc.any(_among(batch, ids)).as_py() for batch in parquet.batches(store, part.path, part.table_columns, ("id",))
    )


def ids_of(store: Store, part: Part) -> pa.Array:
    """The ids of a part's rows."""
    batches = parquet.batches(store, part.path, part.table_columns, ("id",))
    return pa.chunked_array([_numbers(batch) for batch in batches], pa.int64()).combine_chunks()


def stranger(store: Store, part: Part, other: Part) -> int | None:
    """An id under which the two have rows that share neither user nor product nor time; None if there is none.

    A later state of a row shares one of these at least, also after two accounts have become one.
    """
    if any(set(kinds.TELLING) - {name for name, *_ in each.columns} for each in (part, other)):
        return None
    known = _known(store, part).join(_known(store, other), "id", join_type="inner", right_suffix=" there")
    for name in kinds.TELLING:
        known = known.filter(pc.not_equal(known[name], known[f"{name} there"]))
    return known["id"][0].as_py() if known.num_rows else None


def _known(store: Store, part: Part) -> pa.Table:
    """What a row of a part is told from another one by."""
    table = pa.Table.from_batches(parquet.batches(store, part.path, part.table_columns, ("id", *kinds.TELLING)))
    return table.set_column(table.schema.get_field_index("id"), "id", pc.cast(table["id"], pa.int64()))


def overlapping(part: Part, others: Sequence[Part]) -> list[Part]:
    """Those of the others whose range of ids meets the part's."""
    first, last = part.sum.min_id, part.sum.max_id
    return [
        other for other in others
        if other.id != part.id and None not in (first, last, other.sum.min_id, other.sum.max_id)
        and other.sum.min_id <= last and first <= other.sum.max_id  # type: ignore[operator]
    ]  # fmt: skip


def _left(db: Database, store: Store, part: Part, ids: pa.Array) -> Iterator[tuple[pa.RecordBatch, Sum]]:
    for batch in parquet.batches(store, part.path, part.table_columns):
        lock.check(db)
        left = batch.filter(pc.invert(_among(batch, ids)))
        yield left, sums.of(left, part.table_columns)


def _among(batch: pa.RecordBatch, ids: pa.Array) -> pa.Array:
    return pc.is_in(_numbers(batch), ids)


def _numbers(batch: pa.RecordBatch) -> pa.Array:
    return pc.cast(batch.column("id"), pa.int64())
