"""The work of retention, and of a purge: month by month, what is to go is archived, verified, and only then deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from rlops.archive import columns as kinds
from rlops.archive import deleting, manifest, parquet, parts, replacing
from rlops.archive.deleting import Delete, Pieces, Rows
from rlops.archive.export import Export, Month, begin_anew
from rlops.archive.parts import Part
from rlops.archive.place import Place
from rlops.archive.rows import Only, Range
from rlops.archive.store import Missing
from rlops.db import Database
from rlops.errors import Failed
from rlops.events import Doing, Emit, silent
from rlops.ids import given_again
from rlops.plan import Chunk
from rlops.sqlfiles import SqlFolder
from rlops.structure import Column, Table, read_table

STALE = "a row was written again after it was exported; its latest values are in another part"
LATE_ROUNDS = 3  # through one month in one run, so that a shop that goes on writing old rows doesn't keep it for ever
MOST_REMARKS = 20


class WholeMonths(Protocol):
    """Takes archived months out of the table at once, where they are partitions of their own."""

    def fits(self, db: Database, month: Month, found: Sequence[Part]) -> bool:
        """Whether it can take this month, whose parts these are."""

    def begin(self, db: Database, month: Month) -> Chunk:
        """Begin with a month that is archived and verified whole."""

    def go_on(self, db: Database) -> Chunk | None:
        """Go a step further with the month that is on its way out; None when none is."""


@dataclass
class Retention:
    """Each chunk is one transaction, and finds what is next in the record of parts, so that any run goes on from any point.

    `due` lists the months; once they are done it is asked again, for what came meanwhile. With `only` it is about one
    parent's rows, which go into parts of their own, and no other part of a month is its business. `remarks` are what the
    user should know of how it went.
    """

    sql: SqlFolder
    place: Place
    table: str
    columns: Sequence[Column]
    due: Callable[[Database], Sequence[Month]]
    delete: Delete
    part_rows: int
    total: int | None = None
    whole: WholeMonths | None = None
    only: Only | None = None
    tell: Emit = silent
    remarks: list[str] = field(default_factory=list)
    _exported: dict[int, int] = field(default_factory=dict)  # rows by the part's id: a chunk may be tried twice
    _stale: dict[int, Any] = field(default_factory=dict)  # by a part's id, the ids that it is to be without
    _before: dict[date, int] = field(default_factory=dict)  # the last part of a month when this run came to it
    _pieces: Pieces | None = None
    _months: list[Month] | None = None
    _lists: int = 0
    _exporting: Export | None = None

    @property
    def archived(self) -> int:
        """The rows that this run exported."""
        return sum(self._exported.values())

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Take the first month that isn't done a step further. Raises Failed, Refused."""
        del after
        if self._pieces and (part := parts.one(db, self._pieces.rows.part.id)) and part.state == parts.DELETING:
            return self._delete(db, part, size)
        self._look(db)
        everything = parts.all_parts(db)
        if part := next((part for part in everything if part.replacing), None):
            return self._replace(db, part)
        if self.whole and (step := self.whole.go_on(db)):
            return step
        if self._months is None:
            self._months, self._lists = list(self.due(db)), self._lists + 1
        while self._months:
            month = self._months[0]
            found = [part for part in everything if part.month == month.first]
            held = self.only is None and any(part.held for part in found)
            step = None if held else self._step(db, month, found, everything, size)
            if step is not None:
                return step
            del self._months[0]
        if self._lists == 1:
            self._months = None
            return Chunk(0, "looking for what came meanwhile", last=False)
        return Chunk(0, "done", last=True)

    def _step(
        self, db: Database, month: Month, found: Sequence[Part], everything: Sequence[Part], size: int
    ) -> Chunk | None:
        self._before.setdefault(month.first, max((part.number for part in found), default=0))
        export = self._export(month)
        mine = [part for part in found if self.only in (None, part.only)]
        if part := _first(mine, parts.DELETING):
            return self._delete(db, part, size)
        if part := _first(mine, parts.PLANNED, parts.EXPORTED):
            step = export.advance(db, part)
            if step.rows:
                self._exported[part.id] = step.rows
            return Chunk(0, step.position, last=False)
        whole = self.whole if self.whole and self.whole.fits(db, month, found) else None
        if not whole and (part := _first(mine, parts.VERIFIED)):
            return self._begin(db, part, everything)
        planned = None
        if self.only is None:
            planned = export.plan(db, found, parts.covered_to(found, month.since, month.until))
        if whole and not planned:
            return self._take_out(db, whole, month, found, everything)
        planned = planned or self._late(db, month, found)
        return Chunk(0, planned, last=False) if planned else None

    def _take_out(
        self, db: Database, whole: WholeMonths, month: Month, found: Sequence[Part], everything: Sequence[Part]
    ) -> Chunk | None:
        """Take a month out whole, of which all is archived and verified; None when it has no row."""
        verified = [part for part in found if part.state == parts.VERIFIED]
        for part in verified:
            if step := self._ready(db, part, everything):
                return step
        return whole.begin(db, month) if verified else None

    def _late(self, db: Database, month: Month, found: Sequence[Part]) -> str | None:
        """Plan a part of the rows that came or changed since their month was exported, in a bounded number of rounds.

        A purge has no other parts than these; the rows of its first round are not late.
        """
        whole, export, only = Range.between(month.since, month.until), self._export(month), self.only
        new = [part for part in found if part.number > self._before[month.first]]
        mine = [part.range for part in new if (part.only == only if only else part.late)]
        rounds = sum((each.to, each.to_id) == (whole.to, whole.to_id) for each in mine)
        if rounds >= LATE_ROUNDS:
            if export.any_row(db, whole, only):
                self._remark(f"{month}: rows came or changed meanwhile; the next run goes on with them")
            return None
        left = whole.behind(mine[-1].to, mine[-1].to_id) if mine else whole
        late = only is None or rounds > 0
        return export.plan(db, found, left, only, late=late) or export.plan(db, found, whole, only, late=True)

    def _export(self, month: Month) -> Export:
        if self._exporting is None or self._exporting.month != month:
            self._exporting = Export(
                self.sql, self.place, self.table, self.columns, month, self.part_rows, tell=self.tell
            )
        return self._exporting

    def _begin(self, db: Database, part: Part, everything: Sequence[Part]) -> Chunk:
        """From verified to deleting, once it is ready for it."""
        if step := self._ready(db, part, everything):
            return step
        parts.move(db, part, parts.DELETING)
        self._publish(part, parts.DELETING)
        self._pieces = Pieces(Rows(self.place.store, part))
        return Chunk(0, f"{part.title} deleting", last=False)

    def _ready(self, db: Database, part: Part, everything: Sequence[Part]) -> Chunk | None:
        """None once a verified part's file is whole and no other part has a row of its ids; else a step towards that."""
        changed = not parts.fits(part, self.columns)
        wrong = manifest.wrong_or_gone(self.place.store, part)
        if wrong and part.fixed:
            raise self._damaged(part, wrong)
        if changed and part.fixed:  # its rows that are in the table again have values that it doesn't hold
            return self._done(db, part)
        if wrong or changed:
            return self._anew(db, part, wrong or "the table's columns are others by now")
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
            # Written anew, whatever took its file's place would count as verified.
            if wrong := manifest.wrong_or_gone(self.place.store, other):
                if other.fixed:
                    raise self._damaged(other, wrong)
                return self._anew(db, other, wrong)
            self._refuse_strangers(db, part, other, everything)
            self._stale[other.id] = ids
            parts.replacing(db, other)
            return Chunk(0, f"{other.title} to be written anew", last=False)
        return None

    def _refuse_strangers(self, db: Database, part: Part, other: Part, everything: Sequence[Part]) -> None:
        """Raise Failed where an id is one row's here and another row's there, so that one would replace the other.

        What is in the table yet is exported anew by the next run, with the ids that it has by then.
        """
        number = replacing.stranger(self.place.store, part, other)
        if number is None:
            return
        for each in (part, other):
            if not each.fixed:
                begin_anew(db, self.place.store, each)
        live = read_table(db, self.table)
        counter = (isinstance(live, Table) and live.auto_increment) or 1
        raise Failed(
            f"{self.table} has given ids again: {number} is one row in {part.path}, and another in {other.path}. Was the table"
            " emptied by TRUNCATE, or made anew? Neither row replaces the other",
            given_again(self.table, max(each.sum.max_id or 0 for each in everything), counter), "ids_again",
        )  # fmt: skip

    def _replace(self, db: Database, part: Part) -> Chunk:
        """Drop a part's stale rows; where another run was at it, first see what it left."""
        ids = self._stale.pop(part.id, None)
        if ids is None:
            replacing.settle(db, self.place.store, part)
            return Chunk(0, f"{part.title} settled", last=False)
        self.tell(Doing(f"writing {part.title} anew", 0, part.sum.rows))
        replacing.without(db, self.place.store, part, ids, STALE)
        return Chunk(0, f"{part.title} without stale rows", last=False)

    def _anew(self, db: Database, part: Part, why: str) -> Chunk:
        begin_anew(db, self.place.store, part)
        self._remark(f"{part.path} was exported anew: {why}")
        return Chunk(0, f"{part.title} anew", last=False)

    def _remark(self, text: str) -> None:
        if text not in self.remarks and len(self.remarks) < MOST_REMARKS:
            self.remarks.append(text)

    def _damaged(self, part: Part, wrong: str) -> Failed:
        return Failed(
            f"{part.path} is damaged ({wrong}), and it holds rows that are no longer in the database",
            "Bring the file back from a copy of the archive; `rlops archive verify` reads all of it.", "archive_damaged",
        )  # fmt: skip

    def _delete(self, db: Database, part: Part, size: int) -> Chunk:
        if (pieces := self._pieces) is None or pieces.rows.part.id != part.id or pieces.rows.part.sha256 != part.sha256:
            if wrong := manifest.wrong_or_gone(self.place.store, part):
                raise self._damaged(part, wrong)
            self._pieces = Pieces(Rows(self.place.store, part))
            return Chunk(0, f"{part.title} opened", last=False)
        db.execute(self.sql.statement("cleanup/035_keep_columns").sql)
        self._look(db)
        if not parts.fits(part, self.columns):  # its other rows are exported anew, as the table has them
            self._pieces = None
            self._remark(f"{part.title} ended early: the table's columns are others by now")
            return self._done(db, part)
        self.place.store.refuse_gone(part.path)
        did = deleting.chunk(db, self.sql, pieces, part.watermark, delete=self.delete, size=size)
        if did.last:
            self._pieces = None
            return self._done(db, part)
        parts.deleted(db, part, did.watermark, (did.rows, did.removed, did.kept))
        late = did.rows if part.late else 0
        return Chunk(did.rows, f"{part.title} {did.watermark}", last=False, late=late)

    def _look(self, db: Database) -> None:
        """See which columns the table has by now. Raises Failed where a row of it can't be archived exactly any more."""
        live = read_table(db, self.table)
        columns = live.columns if isinstance(live, Table) else ()
        if columns == self.columns:
            return
        if reason := kinds.refusal(columns):
            raise Failed(
                f"{self.table} can't be archived any more: {reason}", "Change that column's type or name.", "not_exact"
            )
        self.columns, self._exporting = columns, None

    def _done(self, db: Database, part: Part) -> Chunk:
        parts.move(db, part, parts.DONE)
        self._publish(part, parts.DONE)
        return Chunk(0, f"{part.title} done", last=False)

    def _publish(self, part: Part, state: str) -> None:
        counts = {"deleted": part.deleted, "removed": part.removed, "changed": part.kept}
        manifest.moved(self.place.store, part, state, counts)


def _first(found: Iterable[Part], *states: str) -> Part | None:
    return next((part for part in found if part.state in states), None)
