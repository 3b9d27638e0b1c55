"""Plan retention: what is expired is archived and verified, then deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rlops.archive import parts
from rlops.archive.export import Month
from rlops.archive.retention import Retention
from rlops.db import Database
from rlops.ops import cleanup, longrun
from rlops.ops.archive import table
from rlops.ops.archive.request import Request, refuse_now
from rlops.ops.archive.run import destination, record_steps
from rlops.ops.declared import INTERACTIONS
from rlops.plan import Plan, StepResult
from rlops.sqlfiles import SqlFolder
from rlops.words import counted


def plan(db: Database, sql: SqlFolder, months: int, request: Request) -> Plan:
    """Plan one job: month by month, archive what isn't archived, and delete what a verified part holds.

    Raises Refused as `archive run` does, and when another job of retention is not finished.
    """
    refuse_now(request)
    columns, where = table.columns(db), destination(db, request)
    found = cleanup.due(db, sql, months, request.now, archive=True)
    months_due, held = _due(db, sql, found.edge)
    work = Retention(
        sql, where, INTERACTIONS, columns, lambda db: _due(db, sql, found.edge)[0],
        lambda ids: sql.statement("cleanup/020_delete_rows", values={"ids": ids, "cutoff": found.edge}),
        sql.policy.archive.part_rows, found.expired.rows,
    )  # fmt: skip
    again, production = f"rlops cleanup --months {months}", request.environment == "production"
    step = found.step("archive and delete interactions", again, work)
    reasons = found.reasons() if production else ()
    return Plan(
        "cleanup",
        (*record_steps(db, sql, where), step) if months_due or found.job else (),
        {**found.data, "destination": where.url, "held_months": held, "remarks": []},
        (
            found.notes[0],
            f"they go to {where.url}; what is there already is compared with the table again before it is deleted",
            *((f"{counted(len(held), 'month')} held back: {', '.join(held)}",) if held else ()),
            *found.notes[1:],
            *reasons,
        ),
        question=f"This deletes {found.count} interactions from {db.schema}, each once it is in {where.url} and read back.",
        name_database=bool(reasons),
        again=again,
        account=lambda results: account(work, results),
    )


def _due(db: Database, sql: SqlFolder, edge: datetime) -> tuple[list[Month], list[str]]:
    """The months to go through, and those that a restore holds back."""
    found = parts.all_parts(db)
    held = {part.month for part in found if part.held}
    begun = {part.month for part in found if part.state == parts.DELETING or part.replacing}
    firsts = {month.first for month in table.months(db, sql, edge)} | {
        first for first in begun if Month(first).until <= edge
    }
    return [Month(first) for first in sorted(firsts - held)], [f"{first:%Y-%m}" for first in sorted(firsts & held)]


def account(work: Retention, results: Sequence[StepResult]) -> dict[str, object]:
    """What the steps did, of any job of this work."""
    return {**longrun.account(results), "archived_rows": work.archived, "remarks": work.remarks}
