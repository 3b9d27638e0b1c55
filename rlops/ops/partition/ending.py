"""The end of expired months: the emptied partition is dropped, and later the hold table that keeps its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rlops import blockers, ddl, withdraw
from rlops.archive import manifest, parts
from rlops.archive.export import Month as Archived
from rlops.archive.place import Place
from rlops.archive.rows import Range
from rlops.db import Database
from rlops.errors import RlopsError
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import change, hold, integrity, months
from rlops.ops.partition.hold import Hold
from rlops.ops.partition.months import Month
from rlops.ops.partition.status import emptied, expired
from rlops.ops.partition.take_out import held_outside
from rlops.plan import Chunk, Step
from rlops.sqlfiles import SqlFolder
from rlops.words import counted


@dataclass
class DropEmptied:
    """Drops the expired partitions from the oldest on that have no row, `most` of them; the first with one ends it.

    The range of a dropped month falls to the next one, so that none is left out.
    """

    sql: SqlFolder
    touches: Sequence[str]
    edge: datetime
    now: datetime
    most: int
    dropped: list[str] = field(default_factory=list)

    @property
    def total(self) -> int | None:
        """No rows are touched."""
        return None

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Drop the next one. The DDL commits the caller's transaction; a repetition finds the partition gone.

        Raises LockWait, naming who is in the way, when the table is in use.
        """
        del after, size
        month = self._next(db) if len(self.dropped) < self.most else None
        if month is None:
            return Chunk(0, self.dropped, last=True)
        blockers.refuse(db, self.sql, self.touches)
        with withdraw.early(db):
            ddl.ready(db, self.sql)
            db.execute(self.sql.statement("partition/430_lock_table", {"table": INTERACTIONS}).sql)
        try:
            if emptied(db, self.sql, [month]):  # writers are held back by now: a row that came late would go with it
                names = {"table": INTERACTIONS, "partition": month.name}
                db.execute(self.sql.statement("partition/320_drop_partition", names).sql)
                self.dropped.append(month.name)
        finally:
            db.execute("UNLOCK TABLES")
        return Chunk(0, self.dropped, last=False)

    def is_any(self, db: Database) -> bool:
        """Whether there is one to drop."""
        return self._next(db) is not None

    def _next(self, db: Database) -> Month | None:
        past = expired(months.read(db, self.sql, INTERACTIONS), self.edge, self.now)
        return next(iter(emptied(db, self.sql, past[:1])), None)

    def step(self) -> Step:
        """The step that does it."""
        which = f"(the oldest before {self.edge:%Y-%m-%d}, once it is empty; {self.most} at most)"
        names = {"table": INTERACTIONS, "partition": which}
        outline = self.sql.file("partition/320_drop_partition").outline(names, {})
        return Step("drop expired partitions that are empty", outline, touches=tuple(self.touches), work=self)


@dataclass
class DropHolds:
    """Drops the hold tables whose time is up, each once the archive's files of its month are seen to be whole."""

    sql: SqlFolder
    place: Place
    tables: Sequence[Hold]
    dropped: list[str] = field(default_factory=list)
    stayed: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def total(self) -> int | None:
        """Their rows were counted when they were taken out."""
        return None

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Look after the next one, `after` being how many were looked after. Raises LockWait when it is in use."""
        del size
        number = int(after or 0)
        each = self.tables[number]
        if wrong := self._wrong(db, each):
            self.stayed.append(each.table)
            self.remarks.append(f"{each.table} stays although its time is up: {wrong}")
        else:
            with withdraw.early(db):
                ddl.ready(db, self.sql)
                db.execute(self.sql.statement("partition/440_drop_hold", {"hold": each.table}).sql)
            self.dropped.append(each.table)
        return Chunk(0, number + 1, last=number + 1 == len(self.tables))

    def _wrong(self, db: Database, each: Hold) -> str:
        found = parts.all_parts(db, each.month)
        if not found:
            return "rlops has no record of the parts that archived it"
        month = Archived(each.month)
        if held_outside(db, self.sql, each.table, month.since, Range.between(month.until, month.until), limit=1):
            return (
                f"it has rows that aren't of {month}, and so in no part of it; SELECT * FROM {each.table} WHERE `timestamp` <"
                f" '{month.since}' OR `timestamp` >= '{month.until}' shows them: put them back into {INTERACTIONS}, or delete them"
            )
        for part in found:
            try:
                if wrong := manifest.wrong(self.place.store, part):
                    return f"{part.path}: {wrong}"
            except RlopsError as error:
                return error.message
        return ""

    def step(self) -> Step:
        """The step that does it."""
        listed = ", ".join(each.table for each in self.tables)
        outline = self.sql.file("partition/440_drop_hold").outline({"hold": listed}, {})
        return Step(f"drop {counted(len(self.tables), 'hold table')} whose time is up", outline, work=self)


def dropping(
    db: Database, sql: SqlFolder, edge: datetime, now: datetime, most: int | None = None
) -> DropEmptied | None:
    """The work on emptied partitions, `most` by default the policy's number; None where none may be dropped."""
    return None if unfit(db, sql) else of_fit(sql, edge, now, most)


def of_fit(sql: SqlFolder, edge: datetime, now: datetime, most: int | None) -> DropEmptied:
    """The same for a table that was seen to be fit for it."""
    touches = (INTERACTIONS, *integrity.the_child(sql).parents)
    return DropEmptied(sql, touches, edge, now, sql.policy.partitions.expire_per_run if most is None else most)


def unfit(db: Database, sql: SqlFolder) -> str:
    """Why no month is taken out whole and no partition dropped; "" where they are."""
    wanted = sql.policy.partitions
    if change.under_way(db) or change.kept(db):
        return "another table is kept equal by triggers, which see no exchange"
    if problem := next(months.problems(months.read(db, sql, INTERACTIONS), INTERACTIONS, wanted), None):
        return f"{problem.object} is {problem.actual}, expected {problem.expected}"
    return "" if hold.may_exchange(db) else f"{db.engine} can't exchange a partition, or this account may not"


def over(db: Database, sql: SqlFolder, now: datetime) -> list[Hold]:
    """The hold tables whose time is up."""
    filled = hold.being_filled(db)
    return [each for each in hold.found(db) if each != filled and each.is_over(sql.policy.partitions.hold_days, now)]
