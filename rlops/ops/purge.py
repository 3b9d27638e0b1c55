"""Remove the interactions of one user or product, in short transactions, before the shop deletes it and cascades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rlops import counting, jobs, packing
from rlops.clock import EARLIEST
from rlops.db import Database, TimedOut
from rlops.errors import Refused, Usage
from rlops.ids import LEAST, THESE, among
from rlops.ops import declared, longrun
from rlops.ops.declared import INTERACTIONS
from rlops.plan import Answer, Chunk, Order, Plan, Step, Work
from rlops.sqlfiles import Keywords, SqlFolder, Statement
from rlops.words import counted

KIND = "purge"
DELETE = "purge/020_delete_rows"
COUNT_FOR = 20.0  # seconds for counting the rows
START = ("0000-00-00 00:00:00", LEAST)
LAST = datetime(9999, 12, 1)  # an archive's months end before that one, which has no end that a DATETIME could hold
PASSES = 3  # the first, and those that look for rows which came meanwhile
PARENTS = {"user": "users", "product": "product"}


@dataclass(frozen=True)
class Parent:
    """One user or product: the column that refers to it, and the live index along (column, timestamp)."""

    kind: str
    id: int
    column: str
    index: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    def statement(self, sql: SqlFolder, file: str, **values: Any) -> Statement:
        """One of sql/purge/ about this parent."""
        names = {"column": self.column, "key": self.index}
        wanted = sql.file(file).names
        return sql.statement(file, {k: v for k, v in names.items() if k in wanted}, {"parent": self.id, **values})

    def deletion(self, sql: SqlFolder, condition: Keywords) -> Statement:
        """The statement that deletes those of the rows with this condition that are the parent's."""
        return sql.statement(DELETE, {"column": self.column, "condition": condition}, {"parent": self.id})


@dataclass(frozen=True)
class Rows:
    """The parent's rows: selects a chunk along the index, deletes it by primary key.

    A position is a pass, a timestamp and an id. Each further pass finds what was inserted behind the one before.
    """

    sql: SqlFolder
    parent: Parent
    total: int | None

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Delete about `size` rows behind `after`."""
        round_, timestamp, last_id = after or (1, *START)
        values = {"last_timestamp": timestamp, "last_id": last_id}
        found = packing.next_ids(
            db,
            lambda limit: self.parent.statement(self.sql, "purge/010_rows_of_parent", **values, limit=limit),
            size,
        )
        deleted = 0
        if found.ids:
            delete = self.parent.deletion(self.sql, among(found.ids))
            deleted = db.execute(delete.sql, delete.values)
        late = deleted if round_ > 1 else 0
        if found.more:
            return Chunk(deleted, [round_, found.last_timestamp, found.ids[-1]], last=False, late=late)
        # A pass that found nothing is the last one; the shop may go on inserting for ever.
        over = round_ >= PASSES or (round_ > 1 and not found.ids and (timestamp, last_id) == START)
        return Chunk(deleted, [round_ + 1, *START], last=over, late=late)


@dataclass(frozen=True)
class Due:
    """What a purge is about, with an archive or without: the parent, its rows, and the open job."""

    sql: SqlFolder
    parent: Parent
    rows: counting.Rows
    job: jobs.Job | None
    archive: bool

    @property
    def count(self) -> str:
        """The rows in words."""
        about = "about " if self.rows.estimated else ""
        return f"{about}{counted(self.rows.rows, 'interaction')} of {self.parent}"

    @property
    def again(self) -> str:
        """The command."""
        return f"rlops purge --{self.parent.kind} {self.parent.id}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What goes, and that an earlier job goes on."""
        found = f"{self.count} ({self.rows.source})"
        if self.job is None:
            return (found,)
        return found, f"goes on with job {self.job.id}; {self.job.rows:,} rows are deleted already"

    @property
    def data(self) -> dict[str, Any]:
        """The JSON of both plans."""
        parent, rows = self.parent, self.rows
        return {
            "parent": {"kind": parent.kind, "id": parent.id, "column": parent.column},
            "found_rows": rows.rows, "found_rows_estimated": rows.estimated, "found_rows_source": rows.source,
            "deleted_rows": 0, "archived_rows": 0, **longrun.NOTHING,
        }  # fmt: skip

    def step(self, name: str, work: Work) -> Step:
        """The step of the job."""
        parent = self.parent
        outline = self.sql.file(DELETE).outline(
            {"column": parent.column, "condition": THESE}, {"parent": str(parent.id)}
        )
        mark = _fingerprint(self.sql, archive=self.archive)
        order = Order(KIND, self.again, mark, {parent.kind: parent.id}, str(parent))
        return Step(f"{name} the interactions of {parent}", outline, work=work, job=order)


def plan(db: Database, sql: SqlFolder, user: int | None, product: int | None, environment: str) -> Plan:
    """Plan the removal of one parent's interactions, without an archive.

    Raises Usage unless one parent is named, Refused when the table, its column or the index along it is missing.
    """
    found = due(db, sql, user, product, archive=False)
    work = Rows(sql, found.parent, found.rows.rows)
    return Plan(
        "purge",
        (found.step("delete", work),) if found.rows.rows or found.job else (),
        found.data,
        found.notes,
        question=f"This deletes {found.count} from {db.schema} for good; they are not archived.",
        name_database=environment == "production",
        again=found.again,
        account=longrun.account,
    )


def due(db: Database, sql: SqlFolder, user: int | None, product: int | None, *, archive: bool) -> Due:
    """Look at what a purge is about. Raises as `plan` does, and Refused when its job was begun under another policy."""
    parent = _parent(db, sql, user, product)
    job = jobs.unfinished(db, KIND, _fingerprint(sql, archive=archive), str(parent))
    return Due(sql, parent, _count(db, sql, parent), job, archive)


def _fingerprint(sql: SqlFolder, *, archive: bool) -> str:
    return sql.policy.fingerprint(*(("archive",) if archive else ()))


def require_one(user: int | None, product: int | None) -> tuple[str, int]:
    """The kind and the id of the one parent that is named. Raises Usage unless there is exactly one."""
    given = [(kind, number) for kind, number in (("user", user), ("product", product)) if number is not None]
    if len(given) != 1:
        raise Usage("name one parent: --user ID or --product ID, by number")
    return given[0]


def _parent(db: Database, sql: SqlFolder, user: int | None, product: int | None) -> Parent:
    kind, number = require_one(user, product)
    live = declared.live_interactions(db)
    column = _column(sql, kind)
    index = live.index_along(column, "timestamp")
    if index is None:
        raise Refused(
            f"{INTERACTIONS} has no index on ({column}, timestamp); purge would read the whole table. Nothing was changed",
            "`rlops verify` says how to add it.",
            "no_index",
        )
    return Parent(kind, number, column, index.name)


def _column(sql: SqlFolder, kind: str) -> str:
    """The column that refers to that parent, as declared."""
    table = next(each.table for each in declared.tables(sql) if each.table.name == INTERACTIONS)
    found = [key.columns[0] for key in table.foreign_keys if key.ref_table == PARENTS[kind]]
    if not found:
        raise Usage(f"{sql.root / 'create'}: {INTERACTIONS} has no foreign key to {PARENTS[kind]}")
    return found[0]


def _count(db: Database, sql: SqlFolder, parent: Parent) -> counting.Rows:
    count = parent.statement(sql, "purge/030_count_rows")
    try:
        with db.statement_limit(COUNT_FOR):
            return counting.Rows(int(db.value(count.sql, count.values)), False, f"COUNT(*) along {parent.index}")
    except TimedOut:
        explained = db.row("EXPLAIN " + count.sql, count.values) or {}
        return counting.Rows(int(explained.get("rows") or 0), True, "the optimizer's estimate")


def unarchivable(db: Database, sql: SqlFolder, parent: Parent) -> tuple[int, tuple[str, ...]]:
    """How many of the parent's rows belong to no month of an archive, and so stay; and what is said of them."""
    query = parent.statement(sql, "purge/070_count_unarchivable", since=EARLIEST, until=LAST)
    rows = int(db.value(query.sql, query.values))
    if not rows:
        return 0, ()
    where = (
        f"{parent.column} = {parent.id} AND (`timestamp` < '{EARLIEST:%Y-%m-%d}' OR `timestamp` >= '{LAST:%Y-%m-%d}')"
    )
    return rows, (
        f"{counted(rows, 'row')} of {parent}, dated before the year 1000 or in the last month of 9999, can't be archived, and"
        f" so can't be purged: give them a date, or delete them; SELECT * FROM {INTERACTIONS} WHERE {where} shows them",
    )


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Count what is there now: the shop may have inserted more meanwhile."""
    data: Mapping[str, Any] = answer.data
    parent = _parent(db, sql, *(data["parent"]["id"] if data["parent"]["kind"] == kind else None for kind in PARENTS))
    where = data.get("destination")
    stuck, notes = unarchivable(db, sql, parent) if where else (0, ())
    if not answer.steps:
        what = "no others" if stuck else "no interactions"
        return replace(answer, notes=(*answer.notes, *notes), headline=f"Nothing to do: {parent} has {what}.")
    left = _count(db, sql, parent)
    kept = f"; every one of them is in {where}, verified" if where else ""
    if data["late_rows"]:
        notes += (f"{counted(data['late_rows'], 'row')} of them came while it ran",)
    if left.rows > stuck:
        notes += (
            f"{counted(left.rows - stuck, 'row')} came since; the shop's DELETE takes them along, or purge again",
        )
    if parent.kind == "user":
        notes += ("the user's features stay: one row, which goes with the user by cascade",)
    return replace(
        answer,
        data={**data, "left_rows": left.rows},
        headline=f"{counted(data['deleted_rows'], 'interaction')} of {parent} deleted{kept}.",
        notes=(*answer.notes, *notes, *data.get("remarks", ())),
        next=f"delete {parent} in the shop: nothing is left for its cascade" if not left.rows else "",
    )
