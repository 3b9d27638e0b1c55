"""Plan retention: what is expired is archived and verified, then deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rlops import counting
from rlops.archive import parts
from rlops.archive.export import Month
from rlops.archive.retention import Retention
from rlops.clock import cutoff, writers_now
from rlops.db import Database
from rlops.ops import cleanup, longrun
from rlops.ops.archive import table
from rlops.ops.archive.request import Request, refuse_now
from rlops.ops.archive.run import destination, record_steps
from rlops.ops.declared import INTERACTIONS
from rlops.plan import Order, Plan, Step, StepResult
from rlops.sqlfiles import SqlFolder
from rlops.words import counted


def plan(db: Database, sql: SqlFolder, months: int, request: Request) -> Plan:
    """Plan one job: month by month, archive what isn't archived, and delete what a verified part holds.

    Raises Refused as `archive run` does, and when another job of retention is not finished.
    """
    refuse_now(request)
    columns, where = table.columns(db), destination(db, request)
    fresh = cutoff(request.now or writers_now(db, sql.policy.writers_time_zone), months)
    job = cleanup.open_job(db, sql, months, archive=True)
    edge = datetime.fromisoformat(job.parameters["cutoff"]) if job else fresh
    expired, kept = cleanup.count_expired(db, sql, edge), counting.count(db, INTERACTIONS)
    due, held = _due(db, sql, edge)
    work = Retention(
        sql, where, INTERACTIONS, columns, lambda db: _due(db, sql, edge)[0], edge, sql.policy.archive.part_rows, expired.rows
    )  # fmt: skip
    again = f"rlops cleanup --months {months}"
    steps: tuple[Step, ...] = ()
    if due or job:
        outline = sql.file("cleanup/020_delete_rows").outline({}, {"cutoff": f"'{edge:%Y-%m-%d %H:%M:%S}'"})
        parameters = {"months": months, "cutoff": edge.isoformat(), "archive": True}
        order = Order(cleanup.KIND, again, sql.policy.fingerprint(*cleanup.SECTIONS), parameters)
        name = f"archive and delete interactions before {edge:%Y-%m-%d}"
        steps = (*record_steps(db, sql, where), Step(name, outline, work=work, job=order))
    reasons = cleanup.reasons_to_ask(sql, months, expired.rows / max(kept.rows, expired.rows, 1))
    about = "about " if expired.estimated else ""
    return Plan(
        "cleanup", steps,
        {
            "cutoff": edge.isoformat(), "time_zone": sql.policy.writers_time_zone, "months": months,
            "newer_cutoff": fresh.isoformat() if fresh > edge else None, "destination": where.url,
            "expired_rows": expired.rows, "expired_rows_estimated": expired.estimated, "expired_rows_source": expired.source,
            "held_months": held, "deleted_rows": 0, "archived_rows": 0, "remarks": [], "dropped_partitions": [], **longrun.NOTHING,
        },
        (
            f"{about}{expired.rows:,} rows are older than {edge:%Y-%m-%d %H:%M:%S} ({expired.source})",
            f"they go to {where.url}; what is there already is compared with the table again before it is deleted",
            *((f"{counted(len(held), 'month')} held back: {', '.join(held)}",) if held else ()),
            *(cleanup.goes_on(job) if job else ()),
            *(reasons if request.environment == "production" else ()),
        ),
        question=f"This deletes {about}{expired.rows:,} interactions from {db.schema}, each once it is in {where.url} and read back.",
        name_database=request.environment == "production" and bool(reasons),
        again=again,
        account=lambda results: _account(work, results),
    )  # fmt: skip


def _due(db: Database, sql: SqlFolder, edge: datetime) -> tuple[list[Month], list[str]]:
    """The months to go through, and those that a restore holds back."""
    found = parts.all_parts(db)
    held = {part.month for part in found if part.held}
    begun = {part.month for part in found if part.state == parts.DELETING or part.replacing}
    firsts = {month.first for month in table.months(db, sql, edge)} | {
        first for first in begun if Month(first).until <= edge
    }
    return [Month(first) for first in sorted(firsts - held)], [f"{first:%Y-%m}" for first in sorted(firsts & held)]


def _account(work: Retention, results: Sequence[StepResult]) -> dict[str, object]:
    return {**longrun.account(results), "archived_rows": work.archived, "remarks": work.remarks}
