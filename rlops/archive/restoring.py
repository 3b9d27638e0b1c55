"""Puts a month's rows back, into a table of its own or among the live ones, chunk by chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rlops.archive import columns as kinds
from rlops.archive import sums
from rlops.archive.deleting import Rows, mark, position
from rlops.archive.parts import Part
from rlops.archive.store import Store
from rlops.db import Database
from rlops.plan import Chunk
from rlops.sqlfiles import Keywords, SqlFolder
from rlops.structure import Column, ForeignKey


@dataclass
class Restoring:
    """The work: a position is a part's place in the list, and the last row that is back.

    `counts` says of this run's rows: restored, already there, there with other values, without a parent.
    """

    sql: SqlFolder
    store: Store
    parts: Sequence[Part]
    table: str
    columns: Sequence[Column]
    keys: Sequence[ForeignKey]
    total: int | None
    counts: Counter[str] = field(default_factory=Counter)
    conflicts: list[int] = field(default_factory=list)
    _rows: Rows | None = None

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Put about `size` rows back behind `after`, in the caller's transaction. Raises Damaged, Missing."""
        index, watermark = after or (0, None)
        if index >= len(self.parts):
            return Chunk(0, [index, None], last=True)
        if self._rows is None or self._rows.part.id != self.parts[index].id:
            self._rows = Rows(self.store, self.parts[index])
        batch, keys = self._rows.take(position(watermark) if watermark else None, size)
        if not keys:
            return Chunk(0, [index + 1, None], last=index + 1 == len(self.parts))
        rows = {int(row["id"]): row for row in batch.to_pylist()}
        digests = dict(zip(rows, sums.digests(batch, self.parts[index].table_columns), strict=True))
        found, conflicts = self._there(db, digests)
        wanted = {number: row for number, row in rows.items() if number not in found}
        lost = self._lost(db, wanted)
        back = [row for number, row in wanted.items() if number not in lost]
        if back:
            self._insert(db, back)
        self._count(len(back), len(found) - len(conflicts), conflicts, len(lost))
        return Chunk(len(back), [index, mark(keys[-1])], last=False)

    def _there(self, db: Database, digests: Mapping[int, bytes]) -> tuple[set[int], list[int]]:
        """The rows that are there already, and those of them that are other ones by now."""
        digest = Keywords((kinds.digest(self._rows.part.table_columns if self._rows else ()),))
        names = {"digest": digest, "table": self.table}
        lock = self.sql.statement("archive/065_there", names, {"ids": list(digests)})
        live = {int(row["id"]): row["digest"] for row in db.rows(lock.sql, lock.values)}
        other = [number for number, found in live.items() if not found or bytes.fromhex(found) != digests[number]]
        return set(live), other

    def _lost(self, db: Database, rows: Mapping[int, Mapping[str, Any]]) -> set[int]:
        """The rows whose user or product is gone."""
        lost: set[int] = set()
        for key in self.keys:
            there = parents_there(db, self.sql, key, {row[key.columns[0]] for row in rows.values()})
            lost |= {number for number, row in rows.items() if row[key.columns[0]] not in there}
        return lost

    def _insert(self, db: Database, rows: Sequence[Mapping[str, Any]]) -> None:
        part = {name for name, _, _ in self._rows.part.columns} if self._rows else set()
        names = [column.name for column in self.columns if column.name in part and column.generated is None]
        place = f"({', '.join(['%s'] * len(names))})"
        texts = tuple(db.text(place, [_value(row[name]) for name in names]) for row in rows)
        filled = {"table": self.table, "columns": names, "rows": Keywords(texts)}
        insert = self.sql.statement("archive/070_insert_rows", filled)
        db.execute(insert.sql)

    def _count(self, back: int, same: int, conflicts: Sequence[int], lost: int) -> None:
        self.counts.update(restored=back, already_there=same, conflicts=len(conflicts), without_parent=lost)
        self.conflicts += conflicts[: 20 - len(self.conflicts)]


def parents_there(db: Database, sql: SqlFolder, key: ForeignKey, wanted: set[Any]) -> set[Any]:
    """Those of the parents that are there, locked until the transaction's end; None, which refers to none, among them."""
    ids = wanted - {None}
    if not ids:
        return {None}
    names = {"parent": key.ref_table, "parent_key": key.ref_columns[0]}
    query = sql.statement("archive/060_parents", names, {"ids": sorted(ids)})
    return {row["id"] for row in db.rows(query.sql, query.values)} | {None}


def _value(value: Any) -> Any:
    # The session is in UTC, and a TIMESTAMP's value too.
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
