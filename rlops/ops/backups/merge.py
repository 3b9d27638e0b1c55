"""Brings a backup's rows into a live table in chunks; what clashes is kept aside, and nothing is overwritten unless told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rlops import counting, facts, manifests
from rlops.db import Conflict, Database, Duplicate, NoParent
from rlops.engines import EXACT
from rlops.errors import Failed, Refused
from rlops.ops.backups import copy, describe, orphans
from rlops.ops.backups.matching import Match, match
from rlops.plan import Chunk, Step
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import ForeignKey

__all__ = [
    "CONFLICT",
    "REPLACED",
    "Merge",
    "OnConflict",
    "conflicts",
    "is_gone",
    "match",
    "notes",
    "refuse_replaced",
    "steps",
    "triggers",
]

OnConflict = Literal["keep", "backup"]
CONFLICT, REPLACED = "__conflict_", "__replaced_"


@dataclass(frozen=True)
class Merge:
    """Merges one table's rows. Each chunk accounts for every one of its rows, or is rolled back and tried again."""

    sql: SqlFolder
    backup_id: str
    table: str
    backup: str
    match: Match
    keys: tuple[ForeignKey, ...]
    on_conflict: OnConflict
    total: int | None
    changed_by: str = ""
    """What may store other values than it was given: a trigger of the live table, a column of another type."""
    anew: bool = False
    """Whether what an earlier merge brought in is gone, so that how far it had come doesn't count."""

    @property
    def set_aside(self) -> str:
        """Where rows go whose parent is gone."""
        return f"{self.table}{orphans.SET_ASIDE}{self.backup_id}"

    @property
    def clashing(self) -> str:
        """Where the backup's rows go whose key a live row has, or (on_conflict backup) the live rows that make way."""
        return f"{self.table}{CONFLICT if self.on_conflict == 'keep' else REPLACED}{self.backup_id}"

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Merge the next rows. Raises Conflict where another session changed what was looked at: to be tried again."""
        # Read committed takes no locks on what is only looked at, nor on gaps that the shop inserts into. It holds from
        # the next transaction on, so the first one does nothing else.
        db.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        if after is None:
            if self.anew:
                manifests.save_progress(db, self.backup_id, self.table, {})
            return Chunk(0, "begun", last=False)
        done = dict(manifests.progress(db, self.backup_id, self.table))
        bounds = copy.ends_at(db, self.sql, self.backup, self.match.key, after=done.get("after"), size=size)
        if bounds is None:
            db.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            manifests.save_progress(db, self.backup_id, self.table, {**_NOTHING, **done, "done": True})
            return Chunk(0, "done", last=True)
        try:
            with db.sql_mode(EXACT):
                counts = self._range(db, dict(zip(("after", "upto"), bounds, strict=True)))
        except (Duplicate, NoParent) as error:
            raise Conflict(error.number, f"another session wrote or deleted at this moment: {error.text}") from error
        kept = {name: done.get(name, 0) + number for name, number in counts.items()}
        manifests.save_progress(db, self.backup_id, self.table, {**kept, "after": bounds[1]})
        return Chunk(counts["merged"], bounds[1], last=False)

    def _range(self, db: Database, bounds: Mapping[str, int]) -> dict[str, int]:
        gone, there, clashes = orphans.condition(self.keys), self.match.there(), self.match.clashes()
        total = self._count(db, bounds, "TRUE")
        before = self._count(db, bounds, there)
        aside, beside = 0, [self.clashing] if self.on_conflict == "keep" else []
        if self.keys:
            aside = self._keep_aside(db, bounds, f"{gone} AND NOT {there}", self.set_aside)
            beside.append(self.set_aside)
        if self.on_conflict == "keep":
            clashing = self._keep_aside(db, bounds, f"NOT {gone} AND {clashes} AND NOT {there}", self.clashing)
        else:
            clashing = self._make_way(db, bounds, f"NOT {gone}")
        merged = self._write(db, "restore/160_merge_rows", bounds, f"NOT {gone} AND NOT {clashes}")
        left = total - self._count(db, bounds, there) - aside - (clashing if self.on_conflict == "keep" else 0)
        if left:  # unless an earlier merge has kept them aside
            elsewhere = "".join(f" AND NOT {self.match.beside(name)}" for name in beside)
            left = self._count(db, bounds, f"NOT {there}{elsewhere}")
        if left:
            text = f"{left:,} of {total:,} rows of {self.table} don't read back as they are in the backup"
            if self.changed_by:
                raise Failed(
                    f"{text}: {self.changed_by} changes them. No row of this chunk was kept",
                    "Take that away for as long as the merge lasts, then type the same command again.",
                    "rows_changed",
                )
            raise Conflict(0, f"{text}: another session changes them")
        return {"merged": merged, "same": before, "conflicts": clashing, "set_aside": aside}

    def _keep_aside(self, db: Database, bounds: Mapping[str, int], wanted: str, into: str) -> int:
        """Keep rows of the backup in a table of their own, but for those that an earlier merge has kept there."""
        text = f"{wanted} AND NOT {self.match.beside(into)}"
        return self._write(db, "restore/130_keep_aside", bounds, text, into=into)

    def _make_way(self, db: Database, bounds: Mapping[str, int], wanted: str) -> int:
        """Keep the live rows that the backup's rows replace in a table of their own, and remove them."""
        moved = 0
        for index in self.match.unique:
            text = f"{wanted} AND {self.match.equal(index)} AND NOT {self.match.same()}"
            kept = self._write(
                db,
                "restore/140_keep_replaced",
                bounds,
                text,
                into=self.clashing,
                columns=copy.plain(self.match.live.columns),
            )
            removed = self._write(db, "restore/150_remove_replaced", bounds, text)
            if kept != removed:
                raise Conflict(0, f"rows of {self.table} were changed by another session at this moment")
            moved += kept
        return moved

    def _names(self, condition: str, into: str = "", columns: Sequence[str] = ()) -> dict[str, Any]:
        return {
            "table": self.table, "backup": self.backup, "set_aside": into, "columns": list(columns or self.match.columns),
            "key": self.match.key, "condition": Keywords((f"({condition})",)),
        }  # fmt: skip

    def _count(self, db: Database, bounds: Mapping[str, int], condition: str) -> int:
        statement = self.sql.statement("restore/120_merge_range", self._names(condition), bounds)
        return int(db.value(statement.sql, statement.values))

    def _write(
        self,
        db: Database,
        file: str,
        bounds: Mapping[str, int],
        condition: str,
        *,
        into: str = "",
        columns: Sequence[str] = (),
    ) -> int:
        statement = self.sql.statement(file, self._names(condition, into, columns), bounds)
        return db.execute(statement.sql, statement.values)


_NOTHING = {"merged": 0, "same": 0, "conflicts": 0, "set_aside": 0}


@dataclass(frozen=True)
class DropEmpty:
    """Drops a table for what is set aside, if it has stayed empty."""

    sql: SqlFolder
    name: str
    total: int | None = None

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Look, then drop."""
        del after, size
        if facts.table_exists(db, self.name) and counting.is_empty(db, self.name):
            statement = self.sql.statement("restore/170_drop_empty", {"set_aside": self.name})
            db.execute(statement.sql, statement.values)
        return Chunk(0, "looked", last=True)


def steps(sql: SqlFolder, work: Merge, present: set[str]) -> list[Step]:
    """The steps that merge one table: somewhere for what can't come in, the rows, and no empty table left behind."""
    beside = [(work.clashing, work.backup if work.on_conflict == "keep" else work.table)]
    if work.keys:
        beside.append((work.set_aside, work.backup))
    made = [orphans.create(sql, name, like) for name, like in beside if name not in present]
    # Where live rows make way, the step is one that destroys, so that it asks.
    file = "restore/160_merge_rows" if work.on_conflict == "keep" else "restore/150_remove_replaced"
    outline = sql.file(file).outline(
        {
            "table": work.table, "backup": work.backup, "columns": list(work.match.columns), "key": work.match.key,
            "condition": Keywords(("(see what is merged in the notes)",)),
        },
        {},
    )  # fmt: skip
    dropped = [
        Step(
            f"drop {name} if it is empty",
            sql.file("restore/170_drop_empty").outline({"set_aside": name}, {}),
            work=DropEmpty(sql, name),
        )
        for name, _ in beside
    ]
    return [*made, Step(f"merge {work.backup} into {work.table}", outline, work=work), *dropped]


def conflicts(db: Database, sql: SqlFolder, work: Merge) -> dict[str, int | None]:
    """How many of the backup's rows clash with a live row that differs, by unique key; None: not counted in time."""
    gone, there = orphans.condition(work.keys), work.match.there()
    return {
        index.name: orphans.count_where(
            db, sql, work.backup, f"NOT {gone} AND {work.match.clash(index)} AND NOT {there}"
        )
        for index in work.match.unique
    }


def is_gone(db: Database, sql: SqlFolder, backup: str, fits: Match, done: Mapping[str, Any]) -> bool:
    """Whether none of the rows that a merge has brought in is there: the table was emptied, or made anew, since."""
    if not done.get("merged", 0) + done.get("same", 0):
        return False
    names = {"backup": backup, "key": fits.key, "condition": Keywords((fits.there(),))}
    statement = sql.statement("restore/125_any_merged", names, {"upto": done["after"]})
    return db.row(statement.sql, statement.values) is None


def refuse_replaced(db: Database, work: Merge, done: Mapping[str, Any]) -> None:
    """Refuse to let rows make way into a table where an earlier merge has kept some, perhaps of the same ids."""
    name = work.clashing
    if work.on_conflict == "keep" or done or not facts.table_exists(db, name) or counting.is_empty(db, name):
        return
    raise Refused(
        f"{name} holds live rows that made way in an earlier merge, and those that would make way now may have the same"
        " ids. Nothing was changed",
        f"Keep it under another name, then type the same command again:\nRENAME TABLE {quote(name)} TO {quote(name + '_1')};",
        "kept_before",
    )


def triggers(db: Database, sql: SqlFolder, table: str, on_conflict: OnConflict) -> dict[str, list[str]]:
    """The live table's triggers that a merge fires, by the event."""
    found = describe.read(db, sql, "backups/130_triggers", {}) or ()
    events = ("INSERT",) if on_conflict == "keep" else ("INSERT", "DELETE")
    return {
        event: [each["name"] for each in found if each["table_name"] == table and each["event"] == event]
        for event in events
    }


def notes(
    work: Merge,
    rows: counting.Rows,
    clashes: Mapping[str, int | None],
    lost: int | None,
    fired: Mapping[str, Sequence[str]],
) -> list[str]:
    """What people are told before anything is merged."""
    about = "about " if rows.estimated else ""
    lines = [f"{work.table}: what an earlier merge brought in is gone; it begins anew"] if work.anew else []
    lines += [f"{work.table}: {about}{rows.rows:,} rows of {work.backup} are brought in; the backup keeps them too"]
    for name, number in clashes.items():
        what = "not counted in time" if number is None else f"{number:,}"
        if number is None or number:
            end = (
                f"the live ones stay, the backup's go to {work.clashing}" if work.on_conflict == "keep"
                else f"the backup's take their place, the live ones go to {work.clashing}"
            )  # fmt: skip
            lines.append(f"{work.table}: rows that clash with another live row on {name}: {what}; {end}")
    if lost is None or lost:
        what = "not counted in time" if lost is None else f"{lost:,}"
        lines.append(f"{work.table}: rows whose user or product is gone: {what}; they go to {work.set_aside}")
    for event, names in fired.items():
        if names:
            row = "row that is brought in" if event == "INSERT" else "live row that makes way"
            lines.append(f"{work.table}: its triggers fire for every {row}: {', '.join(names)}")
    return lines
