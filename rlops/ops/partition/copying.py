"""The long part of a change of form: copy the rows in ranges of their ids, then compare every range."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rlops import blockers, lock, rowhash
from rlops.beside import Beside
from rlops.db import Database, LockWait, Lost
from rlops.engines import EXACT
from rlops.errors import Failed
from rlops.ids import GREATEST, LEAST, among, double_id
from rlops.ops.declared import Declared
from rlops.ops.partition.capture import columns, of_row, row_id
from rlops.plan import Chunk
from rlops.sqlfiles import Keywords, SqlFolder, Statement, quote
from rlops.structure import Table, read_table
from rlops.words import counted

MOST = 2**63 - 1  # of BIGINT
TRIES, LEAST_ROWS = 10, 10  # a writer's row in a chunk halves it; a handful of rows is soon free
AT_ONCE = 8  # rows of one INSERT, as 670_copy_rows.mariadb.sql has it
LEAST_BESIDE = 100  # rows from which on a second session is worth its statements
AGAIN_AFTER = 0.01  # seconds


@dataclass(frozen=True)
class Range:
    """Ids past `first` up to `to`; `end` is the last of all, and `last` says that this range reaches it."""

    first: int
    to: int
    end: int
    last: bool

    def __str__(self) -> str:
        behind = f"behind id {self.first}" if self.first > LEAST else "from the first"
        return behind + (f" up to {self.to}" if self.to < MOST else " on")

    @property
    def position(self) -> list[int]:
        """Where the next range begins."""
        return [self.to, self.end]


@dataclass(frozen=True)
class Ranges:
    """Two tables of the same rows, walked in ranges of ids."""

    sql: SqlFolder
    each: Declared
    table: str
    shadow: str
    beside: Beside

    def statement(self, file: str, names: Mapping[str, Any] | None = None, **values: Any) -> Statement:
        """One of the files about these tables."""
        given = {
            "table": self.table, "shadow": self.shadow, "key_columns": row_id(self.each.table),
            "time_column": self.sql.policy.partitions.column, "columns": list(columns(self.each.table)),
            **(names or {}),
        }  # fmt: skip
        return self.sql.statement(f"partition/{file}", given, values)

    def end(self, db: Database, after: Any, size: int) -> Range:
        """The range behind the position `after`, which is [an id that was passed, the last id of all].

        Rows past the greatest id of the beginning come by the triggers; to follow them would never end.
        """
        if after is None:
            found = db.value(self.statement("645_last_id").sql)
            first, end = LEAST, MOST if found is None else int(found)
        else:
            first, end = after
        ask = self.statement("650_end_of_chunk", last_id=first, limit=size)
        row = db.row(ask.sql, ask.values) or {}
        if int(row.get("n") or 0) < size or int(row["last"]) >= end:
            return Range(first, end, end, last=True)
        return Range(first, int(row["last"]), end, last=False)

    def ranges(self, db: Database, after: Any, size: int) -> list[Range]:
        """What this chunk takes: a range of `size` rows for each session."""
        first = self.end(db, after, size)
        if first.last or size < LEAST_BESIDE or not self.beside.open(db):
            return [first]
        return [first, self.end(db, first.position, size)]


@dataclass(frozen=True)
class Copying(Ranges):
    """Copies ranges at READ COMMITTED: locks their rows first, all or none, and then copies them.

    They are committed before the caller's mark: copied once more, no row changes.
    """

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Copy ranges of about `size` rows behind the position `after`. Raises LockWait while a writer holds one of the rows."""
        if after is None:
            blockers.refuse_prepared(db)
        for attempt in range(TRIES):
            ranges = self.ranges(db, after, size)
            try:
                wanted = [self._between(ids.first, ids.to) for ids in ranges]
                with _unobtrusive(db):
                    self._ahead(db, ranges[0].first, ranges[-1].to)
                    rows = self.beside.both(db, self._hold, wanted)
                    self.beside.both(db, self._copy, wanted)
                self.beside.both(db, self._commit, wanted)
                return _marked(db, ranges, rows)
            except LockWait:
                db.execute("ROLLBACK")
                if attempt + 1 == TRIES:
                    raise
                size = max(LEAST_ROWS, size // 2)
                time.sleep(AGAIN_AFTER)
        raise AssertionError

    def _ahead(self, db: Database, first: int, to: int) -> None:
        """Commit the chunk's last row of each month on their own, so that all others come before a row that stays.

        A writer may lock the gap behind the rows that are there: its own row comes first on the page that follows, or is
        moved there by a page's split. MySQL would wait for that gap a second at least, while it holds the whole chunk; if
        the writer wants one of its rows then, it is the writer that is rolled back. A few rows are the lighter of the two.
        """
        if not _least_wait(db):
            return
        months = self.statement("655_last_of_months", {"condition": self._between(first, to)})
        if not (last := [int(row["last"]) for row in db.rows(months.sql)]):
            return
        rows = among(last, row_id(self.each.table))
        self._hold(db, rows)
        following = self.statement("665_lock_following", last=to)
        db.rows(following.sql, following.values)
        self._copy(db, rows)
        self._commit(db)

    def _between(self, first: int, to: int) -> Keywords:
        key = quote(row_id(self.each.table))
        return Keywords((f"{key} > {first} AND {key} <= {to}",))

    def _hold(self, db: Database, wanted: Keywords) -> int:
        begin_read_committed(db)
        return int(db.value(self.statement("660_lock_rows", {"condition": wanted}).sql))

    def _copy(self, db: Database, wanted: Keywords) -> None:
        names = {"condition": wanted, "rows": _rows_at_once(self.each.table)}
        with db.sql_mode(EXACT):
            db.execute(self.statement("670_copy_rows", names).sql)

    def _commit(self, db: Database, *_: Keywords) -> None:
        lock.confirm(db)
        db.execute("COMMIT")


@dataclass(frozen=True)
class Comparing(Ranges):
    """Compares ranges of both tables row by row, each at one moment, and looks for rows without a parent."""

    def end(self, db: Database, after: Any, size: int) -> Range:
        """The range behind `after`; the last one has no upper end, since the copy alone may have rows there."""
        ids = super().end(db, after, size)
        return replace(ids, to=GREATEST) if ids.last else ids

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Compare ranges of about `size` rows behind the position `after`. Raises Failed on any difference, and on an orphan."""
        ranges = self.ranges(db, after, size)
        live = read_table(db, self.table)
        assert isinstance(live, Table)
        same = " AND ".join(rowhash.same(column, "a", column, "b") for column in live.columns if not column.generated)
        return _marked(db, ranges, self.beside.both(db, partial(self._compare, same), ranges))

    def _compare(self, same: str, db: Database, ids: Range) -> int:
        begin_read_committed(db)
        ask = self.statement("680_compare_chunk", {"condition": Keywords((same,))}, first=ids.first, last=ids.to)
        found = db.row(ask.sql, ask.values) or {}
        if not found["rows_a"] == found["rows_b"] == found["same"]:
            self.refuse_double(db, ids.first, ids.to)
            raise Failed(
                f"the rows {ids} are not the same in {self.table} ({found['rows_a']:,}) and"
                f" {self.shadow} ({found['rows_b']:,}): {found['same']:,} are; the shop's table is as it was",
                "Something wrote past the triggers, such as a TRUNCATE: give it up with `rlops jobs abort`, then begin anew.",
                "copy_differs",
            )  # fmt: skip
        self._orphans(db, ids)
        db.execute("COMMIT")
        return int(found["rows_a"])

    def refuse_double(self, db: Database, first: int = LEAST, last: int = GREATEST) -> None:
        """Raise Failed where an id past `first`, up to `last`, is there more than once: an unpartitioned table holds one of them."""
        key = row_id(self.each.table)
        if (found := double_id(db, self.sql, self.table, first, last, column=key)) is not None:
            raise Failed(
                f"the {key} {found} is in {self.table} more than once, with different timestamps, which {self.shadow} can't"
                " hold; the shop's table is as it was",
                f"Delete all of them but one, or change their {key}, then type `rlops jobs abort` and begin anew.", "double_id",
            )  # fmt: skip

    def _orphans(self, db: Database, ids: Range) -> None:
        for key in self.each.table.foreign_keys:
            names = {"column": key.columns[0], "parent": key.ref_table, "parent_key": key.ref_columns[0]}
            ask = self.statement("690_orphans_of_chunk", names, first=ids.first, last=ids.to)
            if orphans := int(db.value(ask.sql, ask.values)):
                raise Failed(
                    f"{counted(orphans, 'row')} {ids} {'refers' if orphans == 1 else 'refer'} to {key.ref_table} that aren't there",
                    f"Somebody wrote with foreign_key_checks=0: delete them, then type the command again (`rlops verify --data --full`"
                    f" finds them by {key.columns[0]}).", "orphans",
                )  # fmt: skip


@dataclass(frozen=True)
class Moving:
    """Copies all rows, then compares all; `total` counts each row twice. `compared` is recorded with the last chunk."""

    copying: Copying
    comparing: Comparing
    compared: Statement
    total: int | None

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """One range of either part; a position is [which part, where in it]."""
        part, at = after or ("copy", None)
        chunk = (self.copying if part == "copy" else self.comparing).chunk(db, at, size)
        if part == "copy" and chunk.last:
            return replace(chunk, position=["compare", None], last=False)
        if chunk.last:
            db.execute(self.compared.sql, self.compared.values)
        return replace(chunk, position=[part, chunk.position])

    def close(self) -> None:
        """End the second session."""
        self.copying.beside.close()


def _marked(db: Database, ranges: Sequence[Range], rows: Sequence[int]) -> Chunk:
    """What was done to the ranges, in a transaction for the caller's mark."""
    db.execute("START TRANSACTION")
    return Chunk(sum(rows), ranges[-1].position, ranges[-1].last, sessions=len(ranges))


def _rows_at_once(table: Table) -> Keywords:
    """The values of the rows that MariaDB's copy inserts by one statement: a cursor's, which are in variables."""
    rows = (of_row(f"rlops_row{number}", table) for number in range(1, AT_ONCE + 1))
    return Keywords(tuple(f"({', '.join(row.words)})" for row in rows))


def begin_read_committed(db: Database) -> None:
    """Begin the caller's transaction, in which nothing was done yet, anew at READ COMMITTED: it locks rows and no gaps."""
    db.execute("ROLLBACK")
    db.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    db.execute("START TRANSACTION")


def _least_wait(db: Database) -> int:
    """Seconds for which a statement that writes waits for a row's lock at the least: what innodb_lock_wait_timeout allows."""
    return 0 if db.family == "mariadb" else 1


def be_unobtrusive(db: Database) -> None:
    """Wait for no row's lock, and lock no parent: the writers lock a parent before its rows, and are not to wait for both.

    Where a second is the least, only reads with NOWAIT wait for none.
    """
    db.execute(f"SET SESSION innodb_lock_wait_timeout = {_least_wait(db)}")
    db.execute("SET SESSION foreign_key_checks = 0")


@contextmanager
def _unobtrusive(db: Database) -> Iterator[None]:
    """Be so inside the block."""
    usual = max(1, round(db.lock_wait))
    try:
        be_unobtrusive(db)
        yield
    finally:
        with suppress(Lost):
            db.execute("SET SESSION foreign_key_checks = 1")
            db.execute(f"SET SESSION innodb_lock_wait_timeout = {usual}")
