"""Plan retention: what is expired is archived and verified, then deleted; whole months leave a partitioned table at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rlops.archive import parts
from rlops.archive.export import Month
from rlops.archive.place import Place
from rlops.archive.retention import Retention
from rlops.db import Database
from rlops.ops import cleanup, longrun, native_ttl
from rlops.ops.archive import table
from rlops.ops.archive.request import Request, refuse_now
from rlops.ops.archive.run import destination, record_steps
from rlops.ops.cleanup import Due
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import hold
from rlops.ops.partition import whole as whole_months
from rlops.ops.partition.whole import Whole
from rlops.plan import Plan, StepResult
from rlops.sqlfiles import SqlFolder
from rlops.words import counted


@dataclass(frozen=True)
class Scope:
    """Which command this is, what is typed to go on with it, and what of the expired rows it is about.

    Only those before `upto`, where that is given; `most` partitions are dropped, by default the policy's number.
    """

    command: str
    again: str
    upto: datetime | None = None
    most: int | None = None


def plan(db: Database, sql: SqlFolder, months: int, request: Request, scope: Scope | None = None) -> Plan:
    """Plan one job: month by month, archive what isn't archived, and delete what a verified part holds.

    Raises Refused as `archive run` does, and when another job of retention is not finished.
    """
    refuse_now(request)
    native_ttl.refuse(db, sql)
    scope = scope or Scope("cleanup", f"rlops cleanup --months {months}")
    columns, where = table.columns(db), destination(db, request)
    found = cleanup.due(db, sql, months, request.now, archive=True, kind=scope.command, upto=scope.upto)
    months_due, held = _due(db, sql, found.edge)
    begins = bool(months_due or found.job or hold.being_filled(db))
    whole = whole_months.plan(db, sql, where, found, now=request.now, most=scope.most, begins=begins)
    work = Retention(
        sql, where, INTERACTIONS, columns, lambda db: _due(db, sql, found.edge)[0],
        lambda condition: cleanup.deletion(sql, condition, found.edge),
        sql.policy.archive.part_rows, found.expired.rows, whole.take_out,
    )  # fmt: skip
    production = request.environment == "production"
    step = found.step("archive and delete interactions", scope.again, work)
    reasons = found.reasons() if production and begins else ()
    steps = list(record_steps(db, sql, where)) if begins or request.moved else []
    steps += [step] if begins else []
    return Plan(
        scope.command,
        (*steps, *whole.steps()),
        {
            **found.data, "destination": where.url, "held_months": held, "remarks": [], **whole.account(),
            "hold_days": sql.policy.partitions.hold_days,
        },
        (
            found.notes[0],
            f"they go to {where.url}; what is there already is compared with the table again before it is deleted",
            *((whole.note,) if whole.note and begins else ()),
            *((f"{counted(len(held), 'month')} held back: {', '.join(held)}",) if held else ()),
            *found.notes[1:],
            *table.undated(db, sql),
            *reasons,
        ),
        question=_question(db, found, where, whole, begins=begins),
        name_database=bool(reasons),
        again=scope.again,
        account=lambda results: {**account(work, results), **_of_whole(work, whole)},
        stand_ins=whole.stand_ins(found.edge),
    )  # fmt: skip


def _question(db: Database, found: Due, where: Place, whole: Whole, *, begins: bool) -> str:
    said = []
    if begins:
        said.append(
            f"deletes {found.count} interactions from {db.schema}, each once it is in {where.url} and read back"
        )
    if whole.holds:
        said.append(
            f"drops {', '.join(each.table for each in whole.holds.tables)}, once their months are whole in {where.url}"
        )
    return f"This {'; it '.join(said)}."


def _due(db: Database, sql: SqlFolder, edge: datetime) -> tuple[list[Month], list[str]]:
    """The months to go through, and those that a restore holds back.

    A month without rows is among them until its parts are done: the shop may have removed what they hold, and another
    part may still have an older copy of it.
    """
    found = parts.all_parts(db)
    held = {part.month for part in found if part.held}
    begun = {part.month for part in found if part.state != parts.DONE or part.replacing}
    firsts = {month.first for month in table.months(db, sql, edge)} | {
        first for first in begun if Month(first).until <= edge
    }
    return [Month(first) for first in sorted(firsts - held)], [f"{first:%Y-%m}" for first in sorted(firsts & held)]


def _of_whole(work: Retention, whole: Whole) -> dict[str, object]:
    return {"remarks": [*work.remarks, *whole.remarks], **whole.account()}


def account(work: Retention, results: Sequence[StepResult]) -> dict[str, object]:
    """What the steps did, of any job of this work."""
    return {**longrun.account(results), "archived_rows": work.archived, "remarks": work.remarks}
