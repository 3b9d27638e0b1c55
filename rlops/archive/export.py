"""Brings the parts of a month from planned to verified, one state a transaction; each is safe to repeat."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rlops import lock
from rlops.archive import manifest, parquet, parts
from rlops.archive.manifest import Manifest
from rlops.archive.parts import Part
from rlops.archive.place import Place
from rlops.archive.rows import Only, Range, Reader
from rlops.archive.store import Store
from rlops.archive.sums import Sum
from rlops.db import Database
from rlops.errors import Failed, Refused
from rlops.events import Doing, Emit, silent
from rlops.ids import LEAST, double_id
from rlops.plan import Chunk
from rlops.sqlfiles import SqlFolder
from rlops.structure import Column

TRIES = 3  # of one part in one run, when what was read back isn't what the server says


@dataclass(frozen=True)
class Month:
    """A month: its first day, and the first of the next."""

    first: date

    @property
    def since(self) -> datetime:
        return datetime(self.first.year, self.first.month, 1)

    @property
    def until(self) -> datetime:
        index = self.first.year * 12 + self.first.month
        return datetime(index // 12, index % 12 + 1, 1)

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}"


@dataclass
class Export:
    """The work of archiving one month: a chunk is one state of one part."""

    sql: SqlFolder
    place: Place
    table: str
    columns: Sequence[Column]
    month: Month
    part_rows: int
    total: int | None = None
    tell: Emit = silent
    _failed: int = 0

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Take the first part that isn't verified one state further, or plan the next. Raises Failed, Refused."""
        del after, size
        found = parts.all_parts(db, self.month.first)
        part = next((part for part in found if part.state in (parts.PLANNED, parts.EXPORTED)), None)
        if part is None:
            planned = self.plan(db, found, parts.covered_to(found, self.month.since, self.month.until))
            return Chunk(0, planned or f"{self.month} done", last=planned is None)
        return self.advance(db, part)

    def plan(
        self, db: Database, found: Sequence[Part], left: Range, only: Only | None = None, *, late: bool = False
    ) -> str | None:
        """Plan a part of the first rows in `left`; None if there are none. `found` are the month's parts."""
        reader = Reader(db, self.sql, self.columns, only)
        if left.empty or reader.bound(left, 1) == left:
            return None
        number = max((part.number for part in found), default=0) + 1
        wanted = reader.bound(left, self.part_rows)
        parts.plan(db, self.month.first, number, self.table, wanted, only=only, late=late, token=uuid.uuid4().hex)
        return f"{self.month} part {number} planned"

    def any_row(self, db: Database, wanted: Range, only: Only | None) -> bool:
        """Whether the table has a row in it."""
        return Reader(db, self.sql, self.columns, only).bound(wanted, 1) != wanted

    def advance(self, db: Database, part: Part) -> Chunk:
        """Take a part that isn't verified one state further."""
        return self._export(db, part) if part.state == parts.PLANNED else self._verify(db, part)

    def _export(self, db: Database, part: Part) -> Chunk:
        refuse_stranger(self.place, part)
        ids = list[pa.Array]()
        cut = (part.range.to, part.range.to_id) != (self.month.until, LEAST)
        most = self.part_rows if cut else self.total if part.number == 1 else None

        def batches() -> Iterator[tuple[pa.RecordBatch, Sum]]:
            told = 0
            for page in Reader(db, self.sql, self.columns, part.only).pages(part.range):
                lock.check(db)
                told += page.sum.rows
                self.tell(Doing(f"exporting {part.title}", told, most))
                ids.append(page.batch.column("id"))
                yield page.batch, page.sum

        temporary = self.place.store.temporary(part.path)
        written = parquet.write(self.place.store, temporary, self.columns, batches())
        if ids and pc.count_distinct(pa.chunked_array(ids)).as_py() != written.sum.rows:
            self._refuse_double(db, pa.chunked_array(ids))
            return self._again(db, part, "a row moved while it was read, and was read twice")
        with self.place.store.or_none(temporary):
            self.place.claim()  # not before: the lease's row is locked from its first write to the chunk's end
        self.place.store.publish(temporary, part.path)
        parts.exported(db, part, written, self.columns)
        return Chunk(written.sum.rows, f"{part.title} exported", last=False)

    def _refuse_double(self, db: Database, ids: pa.ChunkedArray) -> None:
        """Raise Failed where an id that was read twice is in the table twice, as a primary key with the timestamp lets it be."""
        counted = ids.value_counts()
        number = int(counted.field("values")[pc.index(pc.greater(counted.field("counts"), 1), True).as_py()].as_py())
        if double_id(db, self.sql, self.table, number - 1, number) is not None:
            raise Failed(
                f"the id {number} is in {self.table} more than once, with different timestamps, and an archive can't tell its rows"
                " apart; nothing of that part is archived", "Give all of them but one another id, then type the same command again.",
                "double_id",
            )  # fmt: skip

    def _verify(self, db: Database, part: Part) -> Chunk:
        contents = manifest.contents_of(part)
        store = self.place.store

        def read(rows: int) -> None:
            lock.check(db)
            self.tell(Doing(f"reading back {part.title}", rows, part.sum.rows))

        try:
            wrong = parquet.check(store, part.path, part.table_columns, contents.stored, contents.sum, tell=read)
        except Failed as error:
            wrong = error.message
        if wrong:
            return self._again(db, part, f"read back, it has {wrong}")
        made = Manifest(
            self.place.installation, part.token, part.path, str(self.month), part.number, parts.VERIFIED, contents,
            part.columns, _source(db, self.table), _bounds(part.range),
        )  # fmt: skip
        made.write(store)
        parts.move(db, part, parts.VERIFIED)
        return Chunk(0, f"{part.title} verified", last=False)

    def _again(self, db: Database, part: Part, why: str) -> Chunk:
        self._failed += 1
        if self._failed >= TRIES:
            raise Failed(f"{part.path} could not be verified in {TRIES} tries: {why}", "", "not_verified")
        begin_anew(db, self.place.store, part)
        return Chunk(0, f"{part.title} begun anew ({self._failed})", last=False)


def begin_anew(db: Database, store: Store, part: Part) -> None:
    """Take a part back to planned, and its file out of the archive, until it is exported again."""
    store.remove(manifest.path_of(part.path))
    store.remove(part.path)
    parts.move(db, part, parts.PLANNED)


def refuse_stranger(place: Place, part: Part) -> None:
    """Refuse to write over a part of the same name that isn't this one: the database was put back to an older state."""
    known = manifest.read(place.store, part.path)
    if known is not None and known.token != part.token:
        raise Refused(
            f"{part.path} is in {place.url} already, with a manifest of {known.contents.rows:,} rows ({known.state}), and"
            f" {parts.TABLE} knows nothing of it: was the database restored from a backup, or rlops uninstalled?",
            "Look at the file. To archive the month anew, move it and its manifest away, then type the same command again.",
            "unknown_part",
        )


def _bounds(wanted: Range) -> dict[str, Any]:
    return {
        "after_timestamp": wanted.after.isoformat(), "after_id": wanted.after_id,
        "to_timestamp": wanted.to.isoformat(), "to_id": wanted.to_id,
    }  # fmt: skip


def _source(db: Database, table: str) -> dict[str, Any]:
    return {
        "schema": db.schema, "table": table, "server": db.target.place, "engine": str(db.engine),
        "verified_at": f"{db.value('SELECT UTC_TIMESTAMP()').isoformat()}+00:00",
    }  # fmt: skip
