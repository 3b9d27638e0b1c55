"""Remove interactions older than the retention, in short transactions along (timestamp, id)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rlops import counting, jobs, packing
from rlops.clock import cutoff, writers_now, zoned
from rlops.db import Database, TimedOut
from rlops.errors import Exit, Refused
from rlops.ids import LEAST, THESE, among
from rlops.ops import declared, longrun
from rlops.ops.archive.request import RECORD, Request, nothing_to_do, refuse_now
from rlops.ops.declared import INTERACTIONS
from rlops.plan import Answer, Chunk, Order, Plan, Step, Work
from rlops.sqlfiles import Keywords, SqlFolder, Statement
from rlops.structure import Table
from rlops.words import counted

if TYPE_CHECKING:
    from rlops.ops.partition.ending import DropEmptied

COUNT_FOR = 20.0  # seconds for counting the expired rows
START = ("1000-01-01 00:00:00", LEAST)  # MySQL's least DATETIME
KIND = "cleanup"
DELETE = "cleanup/020_delete_rows"
MAIN, LATE = 1, 2  # passes: from the oldest to the cutoff, then once more for rows that came behind the first
SECTIONS = ("writers_time_zone", "retention", "archive")  # of the policy, that an interrupted job must not see changed


@dataclass(frozen=True)
class Expired:
    """The rows before the cutoff: selects a chunk along the index, deletes it by primary key.

    A position is a pass, a timestamp and an id. The second pass finds what was inserted behind the first.
    """

    sql: SqlFolder
    cutoff: datetime
    total: int | None

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Delete about `size` rows behind `after`."""
        round_, timestamp, last_id = after or (MAIN, *START)
        values = {"cutoff": self.cutoff, "last_timestamp": timestamp, "last_id": last_id}
        found = packing.next_ids(
            db, lambda limit: self.sql.statement("cleanup/010_expired_rows", values={**values, "limit": limit}), size
        )
        deleted = self._delete(db, found.ids)
        late = deleted if round_ == LATE else 0
        if found.more:
            return Chunk(deleted, [round_, found.last_timestamp, found.ids[-1]], last=False, late=late)
        return Chunk(deleted, [LATE, *START], last=round_ == LATE, late=late)

    def _delete(self, db: Database, ids: list[int]) -> int:
        if not ids:
            return 0
        delete = deletion(self.sql, among(ids), self.cutoff)
        return db.execute(delete.sql, delete.values)


def deletion(sql: SqlFolder, condition: Keywords, edge: datetime) -> Statement:
    """The statement that deletes those of the rows with this condition that are expired."""
    return sql.statement(DELETE, {"condition": condition}, {"cutoff": edge})


@dataclass(frozen=True)
class Due:
    """What a run of cleanup is about, with an archive or without: the cutoff, what is before it, and the open job.

    `cutoff` has its offset in the writers' zone, as has `newer`, the cutoff by now.
    """

    sql: SqlFolder
    months: int
    cutoff: datetime
    newer: datetime | None
    job: jobs.Job | None
    expired: counting.Rows
    kept: counting.Rows
    archive: bool
    kind: str

    @property
    def edge(self) -> datetime:
        """The cutoff by the writers' clock, as the table has its times."""
        return self.cutoff.replace(tzinfo=None)

    @property
    def count(self) -> str:
        """The expired rows in words."""
        return f"{'about ' if self.expired.estimated else ''}{self.expired.rows:,}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What goes, and that an earlier job goes on."""
        job = self.job
        found = f"older than {self.edge:%Y-%m-%d %H:%M:%S}: {self.count} rows ({self.expired.source})"
        if job is None:
            return (found,)
        return found, f"goes on with job {job.id}, whose cutoff stays; {job.rows:,} rows are deleted already"

    @property
    def data(self) -> dict[str, Any]:
        """The JSON of both plans."""
        return {
            "cutoff": self.cutoff.isoformat(), "time_zone": self.sql.policy.writers_time_zone, "months": self.months,
            "newer_cutoff": self.newer and self.newer.isoformat(), "expired_rows": self.expired.rows,
            "expired_rows_estimated": self.expired.estimated, "expired_rows_source": self.expired.source,
            "deleted_rows": 0, "archived_rows": 0, "dropped_partitions": [], **longrun.NOTHING,
        }  # fmt: skip

    def reasons(self) -> tuple[str, ...]:
        """Why a run needs more than a yes in production: it removes more than the policy means to."""
        retention, reasons = self.sql.policy.retention, []
        share = self.expired.rows / max(self.kept.rows, self.expired.rows, 1)
        if self.months < retention.interactions_months:
            reasons.append(f"{self.months} months is less than the policy's {retention.interactions_months}")
        if share > retention.max_share_per_run:
            reasons.append(
                f"{share:.0%} of the rows would go in one run; the policy's limit is {retention.max_share_per_run:.0%}"
            )
        return tuple(reasons)

    def step(self, name: str, again: str, work: Work) -> Step:
        """The step of the job."""
        outline = self.sql.file(DELETE).outline({"condition": THESE}, {"cutoff": f"'{self.edge:%Y-%m-%d %H:%M:%S}'"})
        parameters = {"months": self.months, "cutoff": self.edge.isoformat(), "archive": self.archive}
        order = Order(self.kind, again, self.sql.policy.fingerprint(*SECTIONS), parameters)
        return Step(f"{name} before {self.edge:%Y-%m-%d}", outline, work=work, job=order)


def due(
    db: Database,
    sql: SqlFolder,
    months: int,
    now: datetime | None,
    *,
    archive: bool,
    kind: str = KIND,
    upto: datetime | None = None,
) -> Due:
    """Look at what is due, or what of it is before `upto`; `kind` is that of the job.

    Raises Refused when another job of the kind is not finished; Denied without privilege.
    """
    zone = sql.policy.writers_time_zone
    fresh = upto or cutoff(now or writers_now(db, zone), months)
    job = _open_job(db, sql, months, kind, archive=archive)
    edge = datetime.fromisoformat(job.parameters["cutoff"]) if job else fresh
    expired, kept = _count_expired(db, sql, edge), counting.count(db, INTERACTIONS)
    said, newer = zoned(db, zone, edge, fresh)
    return Due(sql, months, said, newer if fresh > edge else None, job, expired, kept, archive, kind)


def plan_deletion(db: Database, sql: SqlFolder, months: int, request: Request) -> Plan:
    """Plan the removal of all interactions before the cutoff, without an archive.

    Raises Refused when the table or its idx_timestamp is missing, while an expired month is held back, or for `now` in
    production; Denied without privilege.
    """
    refuse_now(request)
    live = declared.live_interactions(db)
    if "idx_timestamp" not in {index.name for index in live.indexes}:
        raise Refused(
            f"{INTERACTIONS} has no index idx_timestamp; cleanup would read the whole table",
            "`rlops verify` says how to add it.",
            "no_index",
        )
    found = due(db, sql, months, request.now, archive=False)
    _refuse_held(db, found.edge)
    again, production = f"rlops cleanup --months {months} --no-archive", request.environment == "production"
    work = Expired(sql, found.edge, found.expired.rows)
    steps = [found.step("delete interactions", again, work)] if found.expired.rows or found.job else []
    if dropping := _dropping(db, sql, live, found.edge, request.now):
        steps += [dropping.step()] if steps or dropping.is_any(db) else []
    reasons = ("rows deleted without an archive can't be brought back", *found.reasons())
    return Plan(
        "cleanup",
        tuple(steps),
        found.data,
        (*found.notes, *_undated(db, sql), *(reasons if production else ())),
        question=f"This deletes {found.count} interactions from {db.schema} for good; it does not look at the archive.",
        name_database=production,
        again=again,
        account=lambda results: {
            **longrun.account(results),
            "dropped_partitions": dropping.dropped if dropping else [],
        },
    )


def _refuse_held(db: Database, edge: datetime) -> None:
    from rlops.archive import parts

    held = sorted({part.month_text for part in parts.all_parts(db) if part.held and part.month < edge.date()})
    if held:
        raise Refused(
            f"{', '.join(held)} came back from the archive and is held until it is released; without an archive all that is"
            " expired would go. Nothing was changed",
            f"`rlops archive restore {' '.join(held)} --release` lifts the hold; without --no-archive the rest goes alone.", "held",
        )  # fmt: skip


def _undated(db: Database, sql: SqlFolder) -> tuple[str, ...]:
    from rlops.ops.archive import table

    return table.undated(db, sql)


def _dropping(db: Database, sql: SqlFolder, live: Table, edge: datetime, now: datetime | None) -> DropEmptied | None:
    from rlops.ops.partition import ending

    return (
        ending.dropping(db, sql, edge, now or writers_now(db, sql.policy.writers_time_zone))
        if live.partitioning
        else None
    )


def _open_job(db: Database, sql: SqlFolder, months: int, kind: str, *, archive: bool) -> jobs.Job | None:
    """The job that an earlier run left. Raises Refused when it is about other months or deletes otherwise, or under another policy."""
    job = jobs.unfinished(db, kind, sql.policy.fingerprint(*SECTIONS))
    if job and (job.parameters["months"] != months or job.parameters.get("archive", False) != archive):
        raise Refused(
            f"job {job.id} (`{job.command}`, before {job.parameters['cutoff'][:10]}) is not finished. Nothing was changed",
            f"Go on with it by `{job.command}`, or give it up with `rlops jobs abort {job.id}`.",
            "other_job",
        )
    return job


def _count_expired(db: Database, sql: SqlFolder, edge: datetime) -> counting.Rows:
    """The rows before the cutoff, counted where that is quick enough."""
    counted = sql.statement("cleanup/030_count_expired", values={"cutoff": edge})
    try:
        with db.statement_limit(COUNT_FOR):
            return counting.Rows(int(db.value(counted.sql, counted.values)), False, "COUNT(*) along idx_timestamp")
    except TimedOut:
        explained = db.row("EXPLAIN " + counted.sql, counted.values) or {}
        return counting.Rows(int(explained.get("rows") or 0), True, "the optimizer's estimate")


def of_holds(data: Mapping[str, Any]) -> list[str]:
    """What became of hold tables, in words."""
    found = []
    if held := data.get("hold_tables"):
        found.append(f"the rows are kept in {', '.join(held)} for {data['hold_days']} days")
    if gone := data.get("dropped_hold_tables"):
        found.append(f"{', '.join(gone)} dropped, whose time was up")
    return found


def told_of_stayed(answer: Answer) -> Answer:
    """FINDINGS where a hold table whose time is up stays, since the archive's files of its month aren't whole."""
    if not answer.data.get("stayed_hold_tables"):
        return answer
    return replace(answer, exit=Exit.FINDINGS, next="rlops archive verify")


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Say what was deleted, by what the chunks themselves counted."""
    data = answer.data
    answer = replace(answer, notes=(*answer.notes, *_undated(db, sql)))
    edge, where = data["cutoff"][:19].replace("T", " "), data.get("destination")
    if all(step.file == RECORD for step in answer.steps):
        held = f" but the months held back: {', '.join(data['held_months'])}" if data.get("held_months") else ""
        return nothing_to_do(answer, f"no interaction is older than {edge}{held}")
    kept = f"; every one of them is in {where}, verified" if where else ""
    dropped = [f"partition {', '.join(data['dropped_partitions'])} dropped"] if data["dropped_partitions"] else []
    more = "".join(f"; {words}" for words in (*dropped, *of_holds(data)))
    headline = f"{counted(data['deleted_rows'], 'interaction')} older than {edge} deleted{kept}{more}."
    answer = replace(answer, headline=headline, notes=(*answer.notes, *data.get("remarks", ())), next="rlops monitor")
    answer = told_of_stayed(answer)
    if data["newer_cutoff"] is None:
        return answer
    note = f"the job was begun when the cutoff was {edge[:10]}; by now it is {data['newer_cutoff'][:10]}"
    again = f"rlops cleanup --months {data['months']}{'' if where else ' --no-archive'}"
    return replace(answer, exit=Exit.FINDINGS, notes=(*answer.notes, note), next=again)
