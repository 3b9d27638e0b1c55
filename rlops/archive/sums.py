"""What a set of rows is known by: how many, their ids, and the order-independent hash of `rlops.rowhash`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from rlops.archive import columns as kinds
from rlops.structure import Column

BYTES = 16  # of a digest that count


@dataclass(frozen=True)
class Sum:
    """A set of rows. `min_id` and `max_id` are None for an empty one."""

    rows: int = 0
    xor1: int = 0
    xor2: int = 0
    min_id: int | None = None
    max_id: int | None = None

    def __add__(self, other: Sum) -> Sum:
        ids = [n for n in (self.min_id, self.max_id, other.min_id, other.max_id) if n is not None]
        return Sum(
            self.rows + other.rows, self.xor1 ^ other.xor1, self.xor2 ^ other.xor2,
            min(ids, default=None), max(ids, default=None),
        )  # fmt: skip

    @property
    def hash(self) -> str:
        """The two numbers as 32 hexadecimal digits."""
        return f"{self.xor1:016x}{self.xor2:016x}"

    def differs(self, other: Sum) -> str:
        """What differs, in words; "" when nothing does."""
        found = []
        for name, here, there in (
            ("rows", self.rows, other.rows),
            ("ids", (self.min_id, self.max_id), (other.min_id, other.max_id)),
            ("row hash", self.hash, other.hash),
        ):
            if here != there:
                found.append(f"{name} {here} instead of {there}")
        return ", ".join(found)


def texts(batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.Array:
    """Each row's unambiguous text, which `rowhash.row_text` gives on the server."""
    parts = []
    for column in columns:
        value = kinds.text(batch.column(column.name), column)
        length = pc.cast(pc.binary_length(value), pa.string())
        parts.append(pc.coalesce(pc.binary_join_element_wise(length, value, ":"), pa.scalar("N")))
    return pc.binary_join_element_wise(*parts, "")


def packed(batch: pa.RecordBatch, columns: Sequence[Column]) -> bytes:
    """The rows as the server packs a page of them: a line each, with a line feed between each two."""
    return joined(pc.binary_join_element_wise(kinds.lines(batch, columns), "", "\n"))[:-1]


def joined(found: pa.Array) -> bytes:
    """The texts one behind the other, as UTF-8."""
    data, ends = _inside(found)
    return bytes(data[ends[0] : ends[-1]])


def _inside(found: pa.Array) -> tuple[memoryview, memoryview]:
    """An array's bytes, and where each of its texts begins, and the last one ends."""
    _, ends, data = found.buffers()
    return memoryview(data or b""), memoryview(ends).cast("i")[found.offset : found.offset + len(found) + 1]


def digests(batch: pa.RecordBatch, columns: Sequence[Column]) -> list[bytes]:
    """The first 16 bytes of each row's SHA-256, in the batch's order."""
    data, ends = _inside(texts(batch, columns))
    sha256 = hashlib.sha256
    return [sha256(data[ends[n] : ends[n + 1]]).digest()[:BYTES] for n in range(batch.num_rows)]


def fold(found: bytes) -> tuple[int, int]:
    """The XOR of digests of 16 bytes each, one behind the other, as two numbers of 64 bits."""
    count = 1 << max(0, len(found) // BYTES - 1).bit_length()
    whole = int.from_bytes(found, "big")
    while count > 1:
        count //= 2
        bits = count * BYTES * 8
        whole = (whole >> bits) ^ (whole & ((1 << bits) - 1))
    return whole >> 64, whole & 0xFFFFFFFFFFFFFFFF


def of(batch: pa.RecordBatch, columns: Sequence[Column]) -> Sum:
    """The sum of a batch's rows."""
    ids = pc.min_max(batch.column("id")).as_py()
    return Sum(batch.num_rows, *fold(b"".join(digests(batch, columns))), ids["min"], ids["max"])
