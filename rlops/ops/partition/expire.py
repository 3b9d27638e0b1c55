"""Take whole months past the retention out: cleanup's own work, for a few of the oldest partitions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rlops import jobs
from rlops.clock import EARLIEST, cutoff, writers_now, zoned
from rlops.db import Database
from rlops.errors import Exit, Refused
from rlops.ops import cleanup, longrun
from rlops.ops.archive import retention
from rlops.ops.archive.request import Request, refuse_now
from rlops.ops.archive.retention import Scope
from rlops.ops.archive.table import undated
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import change, ending, ensure, hold, months
from rlops.ops.partition.ending import DropEmptied
from rlops.ops.partition.status import emptied, expired, live_table
from rlops.plan import Answer, Plan
from rlops.sqlfiles import SqlFolder
from rlops.words import counted


def plan(db: Database, sql: SqlFolder, request: Request, most: int) -> Plan:
    """Plan the end of the oldest months past the cutoff, `most` at the most.

    Each is archived and verified, exchanged with a hold table, compared, and its partition dropped. Raises Refused where
    the months don't fit one a month, on an engine where this isn't proven, and as cleanup does.
    """
    refuse_now(request)
    live_table(db)
    if not db.engine.can.takes_months_out:
        raise Refused(
            f"a month isn't dropped on {db.engine}: that no row comes in meanwhile is not proven there. Nothing was changed",
            "`rlops cleanup` archives and deletes expired rows.", "not_proven",
        )  # fmt: skip
    change.refuse_busy(db, "taking a month out")
    now = request.now or writers_now(db, sql.policy.writers_time_zone)
    found = months.read(db, sql, INTERACTIONS)
    ensure.refuse_foreign(found, sql, whole=True)
    assert request.months
    past = expired(found, cutoff(now, request.months), now)
    chosen = past[:most]
    again = f"rlops partition expire --months {request.months} --most {most}"
    edge = (chosen[-1].upper if chosen else None) or EARLIEST  # before which nothing is
    empty = len(emptied(db, sql, chosen)) == len(chosen) and not hold.found(db)
    if empty and not jobs.is_open(db, "partition expire"):
        (said,) = zoned(db, sql.policy.writers_time_zone, edge)
        planned = _of_empty(db, ending.dropping(db, sql, edge, now, most), said, again)
    else:
        planned = retention.plan(db, sql, request.months, request, Scope("partition expire", again, edge, most))
    notes = planned.notes if planned.steps else ()
    if past[most:]:
        notes = (*notes, f"{counted(len(past) - most, 'month')} more past the cutoff: one run takes {most} at most")
    data = {**planned.data, "expired_partitions": [month.name for month in chosen]}
    return replace(planned, data=data, notes=notes)


def _of_empty(db: Database, work: DropEmptied | None, edge: datetime, again: str) -> Plan:
    """Months that have no row need no archive."""
    data = {"cutoff": edge.isoformat(), "dropped_partitions": [], "held_months": [], "remarks": []}
    return Plan(
        "partition expire", (work.step(),) if work and work.is_any(db) else (), data, ("they have no row",), again=again,
        account=lambda results: {**longrun.account(results), "dropped_partitions": work.dropped if work else []},
    )  # fmt: skip


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Say what is gone, and what is still there although it is expired (FINDINGS)."""
    data = answer.data
    there = {month.name for month in months.read(db, sql, INTERACTIONS).all}
    left = [name for name in data["expired_partitions"] if name in there]
    if data["dropped_partitions"]:
        headline = f"Dropped {', '.join(data['dropped_partitions'])}"
    else:
        headline = "Dropped no partition" if answer.steps else "Nothing to do: no month is past the cutoff"
    headline += "".join(f"; {words}" for words in cleanup.of_holds(data)) + "."
    answer = replace(answer, headline=headline, notes=(*answer.notes, *data["remarks"]), next="rlops partition status")
    answer = cleanup.told_of_stayed(answer)
    if not left:
        return answer
    held = f" ({', '.join(data['held_months'])} held back by a restore)" if data["held_months"] else ""
    note = f"{', '.join(left)} still {'has' if len(left) == 1 else 'have'} rows or stand behind one that has{held}"
    return replace(answer, exit=Exit.FINDINGS, notes=(*answer.notes, note, *undated(db, sql)))
