"""Plan a purge that the policy wants archived: one parent's rows are copied, read back, and only then deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rlops.archive import parts
from rlops.archive.export import Month
from rlops.archive.retention import Retention
from rlops.archive.rows import Only
from rlops.clock import EARLIEST, dated
from rlops.db import Database
from rlops.ops import native_ttl, purge
from rlops.ops.archive import table
from rlops.ops.archive.request import Request
from rlops.ops.archive.retention import account
from rlops.ops.archive.run import destination, record_steps
from rlops.ops.declared import INTERACTIONS
from rlops.ops.purge import Parent
from rlops.plan import Plan
from rlops.sqlfiles import SqlFolder


def plan(db: Database, sql: SqlFolder, user: int | None, product: int | None, request: Request) -> Plan:
    """Plan one job: month by month, archive the parent's rows and delete what a verified part holds.

    Raises as `purge.plan` and `archive run` do.
    """
    native_ttl.refuse(db, sql)
    found = purge.due(db, sql, user, product, archive=True)
    columns, where = table.columns(db), destination(db, request)
    parent = found.parent
    only = Only(parent.column, parent.id)
    work = Retention(
        sql, where, INTERACTIONS, columns, lambda db: _months(db, sql, parent, only),
        lambda condition: parent.deletion(sql, condition),
        sql.policy.archive.part_rows, found.rows.rows, only=only,
    )  # fmt: skip
    stuck, notes = purge.unarchivable(db, sql, parent)
    due = found.rows.rows > stuck or found.job or _unfinished(db, only)
    return Plan(
        "purge",
        (*record_steps(db, sql, where), found.step("archive and delete", work)) if due else (),
        {**found.data, "destination": where.url, "remarks": []},
        (*found.notes, f"they go to {where.url}, as [archive] purged in the policy says", *notes),
        question=f"This deletes {found.count} from {db.schema}, each once it is in {where.url} and read back.",
        name_database=request.environment == "production",
        again=found.again,
        account=lambda results: account(work, results),
    )


def _unfinished(db: Database, only: Only) -> set[date]:
    """The months in which another run has left a part of this parent's."""
    return {part.month for part in parts.all_parts(db) if part.only == only and part.state != parts.DONE}


def _months(db: Database, sql: SqlFolder, parent: Parent, only: Only) -> Sequence[Month]:
    """The months that have rows of the parent, or a part of it that is not done; oldest first."""
    firsts, since = _unfinished(db, only), EARLIEST
    while since < purge.LAST:
        query = parent.statement(sql, "purge/060_first_month", since=since, until=purge.LAST)
        first = db.value(query.sql, query.values)
        if first is None:
            break
        month = Month(dated(first).date().replace(day=1))
        firsts.add(month.first)
        since = month.until
    return [Month(first) for first in sorted(firsts)]
