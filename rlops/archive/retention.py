"""The work of retention: month by month, what is expired is archived, verified, and only then deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from rlops.archive import deleting, manifest, parquet, parts, replacing
from rlops.archive.deleting import Rows
from rlops.archive.export import Export, Month
from rlops.archive.parts import Part
from rlops.archive.place import Place
from rlops.archive.store import Missing
from rlops.db import Database
from rlops.errors import Failed
from rlops.plan import Chunk
from rlops.sqlfiles import SqlFolder
from rlops.structure import Column

STALE = "a row was written again after it was exported; its latest values are in another part"


@dataclass
class Retention:
    """Each chunk is one transaction, and finds what is next in the record of parts, so that any run goes on from any point.

    `archived` counts the rows that this run exported.
    """

    sql: SqlFolder
    place: Place
    table: str
    columns: Sequence[Column]
    months: Sequence[Month]
    cutoff: datetime
    part_rows: int
    total: int | None = None
    archived: int = 0
    _stale: dict[int, Any] = field(default_factory=dict)  # by a part's number, the ids that it is to be without
    _rows: Rows | None = None
    _at: int = 0
    _exporting: Export | None = None
    _late: dict[int, int] = field(default_factory=dict)

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Take the first month that isn't done a step further. Raises Failed, Refused."""
        del after
        if self._rows and (part := parts.one(db, self._rows.part.id)) and part.state == parts.DELETING:
            return self._delete(db, part, size)
        everything = parts.all_parts(db)
        if part := next((part for part in everything if part.replacing), None):
            return self._replace(db, part)
        while self._at < len(self.months):
            month = self.months[self._at]
            found = [part for part in everything if part.month == month.first]
            step = None if any(part.held for part in found) else self._step(db, month, found, everything, size)
            if step is not None:
                return step
            self._at += 1
        return Chunk(0, "done", last=True)

    def _step(
        self, db: Database, month: Month, found: Sequence[Part], everything: Sequence[Part], size: int
    ) -> Chunk | None:
        export = self._export(month)
        if part := _first(found, parts.DELETING):
            return self._delete(db, part, size)
        if part := _first(found, parts.PLANNED, parts.EXPORTED):
            step = export.advance(db, part)
            self.archived += step.rows
            return Chunk(0, step.position, last=False)
        if part := _first(found, parts.VERIFIED):
            return self._begin(db, part, everything)
        planned = export.plan_next(db, found)
        if planned is None and self._goes_on(found):
            planned = export.plan_next(db, found, late=True)
        return Chunk(0, planned, last=False) if planned else None

    def _goes_on(self, found: Sequence[Part]) -> bool:
        """Whether another round of late rows makes sense: not when the last one of this run deleted nothing."""
        late = [part for part in found if part.late and part.id in self._late]
        return not late or late[-1].deleted > self._late[late[-1].id]

    def _export(self, month: Month) -> Export:
        if self._exporting is None or self._exporting.month != month:
            self._exporting = Export(self.sql, self.place, self.table, self.columns, month, self.part_rows)
        return self._exporting

    def _begin(self, db: Database, part: Part, everything: Sequence[Part]) -> Chunk:
        """From verified to deleting, once the file is whole and no other part has a row of its ids."""
        if part.columns != tuple((column.name, column.type, column.null) for column in self.columns):
            return self._anew(db, part, "the table's columns are others by now")
        if wrong := self._wrong(part):
            return self._anew(db, part, wrong)
        ids = replacing.ids_of(self.place.store, part)
        for other in replacing.overlapping(part, everything):
            if other.state == parts.PLANNED:
                continue
            try:
                if not replacing.holding(self.place.store, other, ids):
                    continue
            except (Missing, parquet.Damaged) as error:
                if other.fixed:
                    raise
                return self._anew(db, other, error.message)
            if other.state == parts.EXPORTED:
                return self._anew(db, other, "another part has its rows")
            self._stale[other.id] = ids
            parts.replacing(db, other)
            return Chunk(0, f"{other.path} is to be written anew", last=False)
        if part.late:
            self._late[part.id] = part.deleted
        parts.move(db, part, parts.DELETING)
        self._publish(part, parts.DELETING)
        return Chunk(0, f"{part.month_text} part {part.number} deleting", last=False)

    def _replace(self, db: Database, part: Part) -> Chunk:
        """Drop a part's stale rows; where another run was at it, first see what it left."""
        ids = self._stale.pop(part.id, None)
        if ids is None:
            replacing.settle(db, self.place.store, part)
            return Chunk(0, f"{part.path} settled", last=False)
        dropped = replacing.without(db, self.place.store, part, ids, STALE)
        return Chunk(0, f"{part.path} without {dropped} stale rows", last=False)

    def _anew(self, db: Database, part: Part, why: str) -> Chunk:
        parts.move(db, part, parts.PLANNED)
        return Chunk(0, f"{part.path} is exported anew: {why}", last=False)

    def _wrong(self, part: Part) -> str:
        contents = manifest.contents_of(part)
        try:
            known = manifest.read(self.place.store, part.path)
            if known is None or known.token != part.token:
                return "its manifest is missing"
            # The bytes that were decoded and compared when the part was verified: their rows need no second look.
            found = self.place.store.look(part.path)
            return (
                ""
                if found == contents.stored
                else f"its SHA-256 is {found.sha256[:16]}… instead of {contents.sha256[:16]}…"
            )
        except (Missing, parquet.Damaged) as error:
            return error.message

    def _delete(self, db: Database, part: Part, size: int) -> Chunk:
        if self._rows is None or self._rows.part.id != part.id or self._rows.part.sha256 != part.sha256:
            if wrong := self._wrong(part):
                raise Failed(
                    f"{part.path} is damaged ({wrong}), and {part.deleted:,} of its rows are no longer in the database",
                    "Bring the file back from a copy of the archive; `rlops archive verify` reads all of it.", "archive_damaged",
                )  # fmt: skip
            self._rows = Rows(self.place.store, part)
        did = deleting.chunk(db, self.sql, self._rows, part.watermark, cutoff=self.cutoff, size=size)
        if did.last:
            self._rows = None
            parts.move(db, part, parts.DONE)
            self._publish(part, parts.DONE)
            return Chunk(0, f"{part.month_text} part {part.number} done", last=False)
        parts.deleted(db, part, did.watermark, (did.rows, did.removed, did.kept))
        late = did.rows if part.late else 0
        return Chunk(did.rows, f"{part.month_text} part {part.number} {did.watermark}", last=False, late=late)

    def _publish(self, part: Part, state: str) -> None:
        known = manifest.read(self.place.store, part.path)
        assert known
        counts = {"deleted": part.deleted, "removed": part.removed, "changed": part.kept}
        replace(known, state=state, counts=counts).write(self.place.store)


def _first(found: Iterable[Part], *states: str) -> Part | None:
    return next((part for part in found if part.state in states), None)
