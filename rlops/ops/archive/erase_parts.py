"""Erases rows from the archive's parts: finds them by a few columns, then writes each part concerned anew."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rlops.archive import manifest, parquet, parts, replacing
from rlops.archive.export import begin_anew
from rlops.archive.parts import Part
from rlops.archive.store import Store, written_for
from rlops.db import Database
from rlops.errors import Failed
from rlops.events import Emit, Progress, silent
from rlops.ops.archive.wanted import Wanted
from rlops.plan import Chunk
from rlops.sqlfiles import SqlFolder

Among = Callable[[Database, SqlFolder, str, Iterable[int | None]], set[int]]  # those of a column's values whose rows go

READABLE = ("archive_damaged", "archive_missing")  # what is wrong with one part, and not with the place
WRITTEN = (parts.VERIFIED, parts.DELETING, parts.DONE)


@dataclass
class Search:
    """Looks through parts for rows to erase. What an unchanged file was found to hold is not looked for twice.

    Whose rows go is fixed when they are counted: while `users` is loaded anew in mid-run, nobody else seems to be gone.
    """

    wanted: Wanted
    emit: Emit = silent
    rows: int = 0
    _known: dict[tuple[int, str | None], int] = field(default_factory=dict)
    _gone: dict[str, set[int]] = field(default_factory=dict)  # by column, who was gone when it was counted

    def count(self, db: Database, sql: SqlFolder, store: Store, part: Part) -> int:
        """How many of a part's rows are to go. Raises Damaged, Missing, Failed."""
        key = (part.id, part.sha256)
        if key not in self._known:
            self._known[key] = len(self._find(db, sql, store, part, among=self.wanted.among, gone=self._gone))
            self.rows += part.sum.rows
            self.emit(Progress("look for rows to erase", self.rows, None, 0.0))
        return self._known[key]

    def ids(self, db: Database, sql: SqlFolder, store: Store, part: Part) -> pa.Array:
        """The ids of a part's rows whose parents were gone when they were counted, and are yet. Raises Damaged, Missing, Failed."""

        def still(db: Database, sql: SqlFolder, column: str, values: Iterable[int | None]) -> set[int]:
            return self.wanted.among(db, sql, column, self._gone.get(column, set()) & set(values))

        return self._find(db, sql, store, part, among=still, gone={})

    def _find(
        self, db: Database, sql: SqlFolder, store: Store, part: Part, *, among: Among, gone: dict[str, set[int]]
    ) -> pa.Array:
        """The ids of a part's rows that are to go, whose parents are added to `gone`; reads no other columns than it needs."""
        columns = {name.lower(): name for name, _, _ in part.columns if name.lower() in self.wanted.columns}
        asked: dict[str, set[int]] = {column: set() for column in columns}
        found = []
        for batch in (
            parquet.batches(store, part.path, part.table_columns, ("id", *columns.values())) if columns else ()
        ):
            mask = pa.array([False] * batch.num_rows)
            for column, name in columns.items():
                values = batch.column(name)
                fresh = set(pc.unique(values).to_pylist()) - asked[column] - {None}
                asked[column] |= fresh
                known = gone.setdefault(column, set())
                known |= among(db, sql, column, fresh)
                mask = pc.or_(mask, pc.is_in(values, pa.array(sorted(known & asked[column]), values.type)))
            found.append(pc.cast(batch.column("id"), pa.int64()).filter(mask))
        return pa.chunked_array(found, pa.int64()).combine_chunks() if found else pa.array([], pa.int64())


@dataclass
class Erasing:
    """The work on the archive: a chunk is one part's next state. A run begins with the first part, whatever one before did.

    A position is this run's mark and a place in the list. `unreached` says why a part could not be searched or written.
    """

    sql: SqlFolder
    store: Store
    search: Search
    parts: Sequence[int]
    leftovers: Sequence[str]
    total: int | None
    erased: int = 0
    rewritten: set[str] = field(default_factory=set)
    unreached: dict[str, str] = field(default_factory=dict)
    _run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _marked: set[int] = field(default_factory=set)

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Take a part a state further. Raises Failed when the archive can't be written."""
        del size
        at = after[1] if after and after[0] == self._run else 0
        if at >= len(self.parts):
            for path in self.leftovers:
                self.store.remove(path)
            return Chunk(0, [self._run, at], last=True)
        part = parts.one(db, self.parts[at])
        try:
            rows = self._step(db, part) if part else None
        except Failed as error:
            if error.code not in READABLE or part is None:
                raise
            self.unreached[part.path] = error.message
            rows = None
        return Chunk(rows or 0, [self._run, at + 1 if rows is None else at], last=False)

    def _step(self, db: Database, part: Part) -> int | None:
        """The rows that went; None when nothing more is to be done about the part."""
        if part.replacing and part.id not in self._marked:
            return self._settle(db, part)
        if part.state == parts.PLANNED:
            return None
        ids = self.search.ids(db, self.sql, self.store, part)
        if not len(ids):
            return self._settle(db, part) if part.replacing else None
        if part.state not in WRITTEN:
            # Its rows are all in the live table yet, from which it is exported again.
            begin_anew(db, self.store, part)
            return self._gone(part, len(ids))
        if not part.replacing:
            self._whole(part)
            mark = self.sql.statement("archive/110_erase_part", values={"id": part.id})
            db.execute(mark.sql, mark.values)
            self._marked.add(part.id)
            return 0
        self._marked.discard(part.id)
        return self._gone(part, replacing.without(db, self.store, part, ids, self.search.wanted.why))

    def _settle(self, db: Database, part: Part) -> int:
        """See what a run left that was interrupted, or the chunk of this one that was rolled back."""
        self._marked.discard(part.id)
        replacing.settle(db, self.store, part)
        after = parts.one(db, part.id)
        assert after
        return self._gone(part, part.sum.rows - after.sum.rows)

    def _gone(self, part: Part, rows: int) -> int:
        if rows:
            self.erased += rows
            self.rewritten.add(part.path)
        return rows

    def _whole(self, part: Part) -> None:
        """Check that a part is what was verified, before it is written anew. Raises Failed, Missing."""
        if wrong := manifest.wrong(self.store, part):
            raise Failed(f"{part.path} is damaged: {wrong}", "`rlops archive verify` says more.", "archive_damaged")


def leftovers(store: Store, known: Sequence[Part]) -> list[str]:
    """The files that runs which died were writing, or had written and not recorded: they hold rows, too.

    A planned part without a manifest has a file only so, and all of its rows are in the live table yet.
    """
    paths, files = {part.path for part in known}, store.files()
    planned = {part.path for part in known if part.state == parts.PLANNED}
    unrecorded = {path for path in planned & files.keys() if manifest.path_of(path) not in files}
    return [name for name in files if name in unrecorded or written_for(name) in paths]
