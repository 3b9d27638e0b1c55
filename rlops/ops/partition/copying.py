"""The long parts of a change of form: copy the rows in ranges of their ids, then compare every range."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rlops import rowhash
from rlops.db import Database, LockWait
from rlops.errors import Failed
from rlops.ops.declared import Declared
from rlops.ops.partition.capture import columns, row_id
from rlops.plan import Chunk
from rlops.sqlfiles import Keywords, SqlFolder, Statement
from rlops.structure import Table, read_table

LEAST, MOST = -(2**63), 2**63 - 1  # of BIGINT
TRIES, LEAST_ROWS = 10, 10  # a writer's row in a chunk halves it; a handful of rows is soon free


@dataclass(frozen=True)
class Ranges:
    """Two tables of the same rows, walked in ranges of ids. `total` is an estimate of the rows to come."""

    sql: SqlFolder
    each: Declared
    table: str
    shadow: str
    total: int | None

    def statement(self, file: str, names: Mapping[str, Any] | None = None, **values: Any) -> Statement:
        """One of the files about these tables."""
        found = self.sql.file(f"partition/{file}")
        given = {
            "table": self.table, "shadow": self.shadow, "key_columns": row_id(self.each.table),
            "columns": list(columns(self.each.table)), **(names or {}),
        }  # fmt: skip
        return found.statement({name: given[name] for name in found.names}, values)

    def end(self, db: Database, after: Any, size: int) -> Range:
        """The range behind the position `after`, which is [an id that was passed, the last id of all].

        Rows past the greatest id of the beginning come by the triggers; to follow them would never end.
        """
        if after is None:
            greatest = self.statement("645_last_id")
            found = db.value(greatest.sql)
            first, end = LEAST, MOST if found is None else int(found)
        else:
            first, end = after
        ask = self.statement("650_end_of_chunk", last_id=first, limit=size)
        row = db.row(ask.sql, ask.values) or {}
        if int(row.get("n") or 0) < size or int(row["last"]) >= end:
            return Range(first, end, end, last=True)
        return Range(first, int(row["last"]), end, last=False)


@dataclass(frozen=True)
class Range:
    """Ids past `first` up to `to`; `end` is the last of all, and `last` says that this range reaches it."""

    first: int
    to: int
    end: int
    last: bool

    @property
    def position(self) -> list[int]:
        """Where the next range begins."""
        return [self.to, self.end]


@dataclass(frozen=True)
class Copying(Ranges):
    """Copies a range at READ COMMITTED: locks its rows first, all or none, and then copies them."""

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Copy about `size` rows behind the id `after`. Raises LockWait at once while a writer holds one of them."""
        for attempt in range(TRIES):
            ids = self.end(db, after, size)
            begin_read_committed(db)
            # A foreign key of the shadow's would lock the parent after the row, which its deletion locks before.
            db.execute("SET SESSION foreign_key_checks = 0")
            lock = self.statement("660_lock_chunk", first=ids.first, last=ids.to)
            copy = self.statement("670_copy_chunk", first=ids.first, last=ids.to)
            try:
                with db.no_lock_wait():
                    rows = int(db.value(lock.sql, lock.values))
                    if rows:
                        db.execute(copy.sql, copy.values)
                break
            except LockWait:
                if attempt + 1 == TRIES:
                    raise
                size = max(LEAST_ROWS, size // 2)
                time.sleep(0.01)
        return Chunk(rows, ids.position, ids.last)


@dataclass(frozen=True)
class Comparing(Ranges):
    """Compares the hashes of a range of both tables at one moment, and looks for rows without a parent."""

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Compare about `size` rows behind the id `after`. Raises Failed on any difference, and on an orphan."""
        ids = self.end(db, after, size)
        begin_read_committed(db)
        hashed = Keywords((rowhash.aggregate(self._columns(db)),))
        ask = self.statement("680_compare_chunk", {"hash": hashed}, first=ids.first, last=ids.to)
        found = db.row(ask.sql, ask.values) or {}
        if [found["rows_a"], found["a1"], found["a2"]] != [found["rows_b"], found["b1"], found["b2"]] or found[
            "unhashed"
        ]:
            raise Failed(
                f"the rows behind id {ids.first} up to {ids.to} are not the same in {self.table} ({found['rows_a']:,}) and"
                f" {self.shadow} ({found['rows_b']:,}); the shop's table is as it was",
                "Give it up with `rlops partition abort`, and report this: it must not happen.", "copy_differs",
            )  # fmt: skip
        self._orphans(db, ids)
        return Chunk(int(found["rows_a"]), ids.position, ids.last)

    def _columns(self, db: Database) -> Any:
        live = read_table(db, self.table)
        assert isinstance(live, Table)
        return [column for column in live.columns if not column.generated]

    def _orphans(self, db: Database, ids: Range) -> None:
        for key in self.each.table.foreign_keys:
            names = {
                "column": key.columns[0],
                "parent": key.ref_table,
                "parent_key": key.ref_columns[0],
                "table": self.shadow,
            }
            ask = self.statement("690_orphans_of_chunk", names, first=ids.first, last=ids.to)
            if orphans := int(db.value(ask.sql, ask.values)):
                raise Failed(
                    f"{orphans:,} rows behind id {ids.first} up to {ids.to} refer to {key.ref_table} that aren't there",
                    f"Somebody wrote with foreign_key_checks=0: delete them, then type the command again (`rlops verify --data`"
                    f" finds them by {key.columns[0]}).", "orphans",
                )  # fmt: skip


@dataclass(frozen=True)
class Counting(Ranges):
    """Lets the shadow count on from the table's own auto-increment, so that no id of a deleted row is given again."""

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Set the counter; the triggers carry on with it. The DDL commits the caller's transaction, and may be repeated."""
        live = read_table(db, self.table)
        if isinstance(live, Table) and live.auto_increment:
            set_it = self.statement("605_auto_increment", value=live.auto_increment)
            db.execute(set_it.sql, set_it.values)
        return Chunk(0, None, last=True)


def begin_read_committed(db: Database) -> None:
    """Begin the caller's transaction, in which nothing was done yet, anew at READ COMMITTED: it locks rows and no gaps."""
    db.execute("ROLLBACK")
    db.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    db.execute("START TRANSACTION")
