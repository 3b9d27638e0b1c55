"""Puts a month's rows back, into a table of its own or among the live ones, chunk by chunk."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from rlops import rowhash
from rlops.archive import columns as kinds
from rlops.archive import parts, replacing, sums
from rlops.archive.deleting import Rows, mark, position
from rlops.archive.parts import Part
from rlops.archive.store import Store
from rlops.db import Database
from rlops.engines import EXACT
from rlops.errors import Failed
from rlops.plan import Chunk
from rlops.sqlfiles import Keywords, SqlFolder
from rlops.structure import Column, ForeignKey

MOST = 20  # conflicting ids that are named
BESIDE_ROWS = 16_384  # bytes of an INSERT's other words


@dataclass
class Restoring:
    """The work: a position is this run's mark, a part's place in the list, the last row that is back, and the counts.

    A run begins at the first part, since rows that an earlier one put back may have gone meanwhile. `counts` says of this
    run's committed rows: restored, of them with other values than the archive's, already there, there with other values,
    without a parent.
    """

    sql: SqlFolder
    store: Store
    parts: list[Part]
    table: str
    columns: Sequence[Column]
    keys: Sequence[ForeignKey]
    total: int | None
    counts: Counter[str] = field(default_factory=Counter)
    conflicts: list[int] = field(default_factory=list)
    otherwise: list[int] = field(default_factory=list)
    _run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _rows: Rows | None = None
    _packet: int = 0

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Put about `size` rows back behind `after`, in the caller's transaction. Raises Damaged, Missing.

        Raises Failed at the end when the files had more or fewer rows than the parts have on record.
        """
        _, index, watermark, counts = after if after and after[0] == self._run else (self._run, 0, None, {})
        self.counts = Counter(counts)
        if index >= len(self.parts):
            self._check()
            return Chunk(0, [self._run, index, None, counts], last=True)
        rows = self._part(db, index)
        piece = rows.take(position(watermark) if watermark else None, size)
        if piece is None:
            return Chunk(0, [self._run, index + 1, None, counts], last=False)
        batch, end = piece
        common = self.common(rows.part)
        digests = dict(zip(batch.column("id").to_pylist(), sums.digests(batch, common), strict=True))
        found, conflicts = self._there(db, common, digests)
        wanted = _without(batch, found)
        lost = self._lost(db, wanted)
        back = _without(wanted, lost)
        otherwise: list[int] = []
        if back.num_rows:
            self._insert(db, common, back)
            _, otherwise = self._there(
                db, common, {number: digests[number] for number in back.column("id").to_pylist()}
            )
        _name(self.conflicts, conflicts)
        _name(self.otherwise, otherwise)
        seen = self.counts + Counter(
            restored=back.num_rows, already_there=len(found) - len(conflicts), conflicts=len(conflicts),
            without_parent=len(lost), otherwise=len(otherwise),
        )  # fmt: skip
        return Chunk(back.num_rows, [self._run, index, mark(end), seen], last=False)

    def common(self, part: Part) -> list[Column]:
        """The columns of a part that the table has, too: those that are compared and come back."""
        live = {column.name.lower() for column in self.columns}
        return [column for column in part.table_columns if column.name.lower() in live]

    def left_out(self) -> list[str]:
        """The names of the parts' other columns."""
        return sorted(
            {name for part in self.parts for name, *_ in part.columns}
            - {each.name for part in self.parts for each in self.common(part)}
        )

    def without_value(self) -> list[str]:
        """The names of the table's columns that take a value, and that some part has none for."""
        asked = [
            column
            for column in self.columns
            if not column.null
            and column.default is None
            and column.generated is None
            and "AUTO_INCREMENT" not in column.extra
        ]
        had = [{name.lower() for name, *_ in part.columns} for part in self.parts]
        return [column.name for column in asked if any(column.name.lower() not in names for names in had)]

    def _part(self, db: Database, index: int) -> Rows:
        """The rows of a part, once it is known which file it has."""
        part = self.parts[index]
        if part.replacing:
            replacing.settle(db, self.store, part)
            part = self.parts[index] = parts.one(db, part.id) or part
        if self._rows is None or self._rows.part.id != part.id:
            self._rows = Rows(self.store, part)
        return self._rows

    def _check(self) -> None:
        seen, recorded = sum(self.counts.values()) - self.counts["otherwise"], sum(part.sum.rows for part in self.parts)
        if seen != recorded:
            raise Failed(
                f"the files had {seen:,} rows, and the parts have {recorded:,} on record: {self.counts['restored']:,} came"
                f" back now, {self.counts['already_there']:,} were in {self.table} already, {self.counts['conflicts']:,}"
                f" are there with other values, {self.counts['without_parent']:,} have no user or product",
                "`rlops archive verify` says which file it is; once that is whole again, type the same command again.",
                "other_count",
            )  # fmt: skip

    def _there(
        self, db: Database, common: Sequence[Column], digests: Mapping[int, bytes]
    ) -> tuple[set[int], list[int]]:
        """The rows that are there already, and those of them that are other ones by now, whatever their columns' types are."""
        live = {column.name.lower(): column for column in self.columns}
        names = {"digest": Keywords((kinds.digest(common, live),)), "table": self.table}
        lock = self.sql.statement("archive/065_there", names, {"ids": list(digests)})
        there = {int(row["id"]): row["digest"] for row in db.rows(lock.sql, lock.values)}
        other = [number for number, found in there.items() if not found or bytes.fromhex(found) != digests[number]]
        return set(there), other

    def _lost(self, db: Database, batch: pa.RecordBatch) -> set[int]:
        """The rows whose user or product is gone."""
        lost: set[int] = set()
        ids = batch.column("id").to_pylist()
        spelled = {name.lower(): name for name in batch.schema.names}
        for key in self.keys:
            parents = batch.column(spelled[key.columns[0]]).to_pylist()
            there = parents_there(db, self.sql, key, set(parents))
            lost |= {number for number, parent in zip(ids, parents, strict=True) if parent not in there}
        return lost

    def _insert(self, db: Database, common: Sequence[Column], batch: pa.RecordBatch) -> None:
        generated = {column.name.lower() for column in self.columns if column.generated is not None}
        given = [column for column in common if column.name.lower() not in generated]
        place = f"({', '.join(['%s'] * len(given))})"
        values = zip(*(_values(batch, column) for column in given), strict=True)
        names = [column.name for column in given]
        rows = [db.text(place, row) for row in values]
        with db.sql_mode(EXACT):
            for some in self._that_fit(db, rows, batch):
                filled = {"table": self.table, "columns": names, "rows": Keywords(tuple(some))}
                db.execute(self.sql.statement("archive/070_insert_rows", filled).sql)

    def _that_fit(self, db: Database, rows: Sequence[str], batch: pa.RecordBatch) -> Iterator[list[str]]:
        """The rows in statements of half a packet at most, or of one row. Raises Failed for a row that passes a packet."""
        self._packet = self._packet or int(db.value("SELECT @@SESSION.max_allowed_packet"))
        some, size = list[str](), 0
        for number, row in enumerate(rows):
            length = len(row.encode())
            if length > self._packet - BESIDE_ROWS:
                raise Failed(
                    f"the row {batch.column('id')[number]} makes {length:,} bytes of SQL, and the server takes {self._packet:,} at once",
                    f"SET GLOBAL max_allowed_packet = {2 * length}, then type the same command again.", "row_too_long",
                )  # fmt: skip
            if some and size + length > self._packet // 2:
                yield some
                some, size = [], 0
            some.append(row)
            size += length
        yield some


def parents_there(db: Database, sql: SqlFolder, key: ForeignKey, wanted: set[Any]) -> set[Any]:
    """Those of the parents that are there, locked until the transaction's end; None, which refers to none, among them."""
    ids = wanted - {None}
    if not ids:
        return {None}
    names = {"parent": key.ref_table, "parent_key": key.ref_columns[0]}
    query = sql.statement("archive/060_parents", names, {"ids": sorted(ids)})
    return {row["id"] for row in db.rows(query.sql, query.values)} | {None}


def _name(named: list[int], ids: Sequence[int]) -> None:
    named += [each for each in ids if each not in named][: MOST - len(named)]


def _without(batch: pa.RecordBatch, ids: set[int]) -> pa.RecordBatch:
    return batch.filter(pa.array([number not in ids for number in batch.column("id").to_pylist()], pa.bool_()))


def _values(batch: pa.RecordBatch, column: Column) -> list[Any]:
    """A column's values as they are sent. A time is its text, in UTC as the session: Python has no year 0."""
    array = batch.column(column.name)
    return list((kinds.text(array, column) if rowhash.kind(column) == "time" else array).to_pylist())
