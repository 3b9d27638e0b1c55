"""rlops partition."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from rlops.cli.archive import To, request
from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.db import Database
from rlops.errors import Usage
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import ensure as ensure_op
from rlops.ops.partition import offline, queries
from rlops.ops.partition import status as status_op
from rlops.plan import Answer, Plan
from rlops.sqlfiles import SqlFolder

app = new_app("Partitions by month: make them, keep them ahead, drop old ones.")


@app.callback()
def group() -> None:
    """Partitions by month: make them, keep them ahead, drop old ones."""


@command(app, "status", title="partition status")
def status(
    session: Session,
    with_queries: Annotated[
        bool, typer.Option("--queries", help="List statements seen that touch every month.")
    ] = False,
) -> Answer:
    """Show the months with rows and sizes, and what is due (exit 3).

    Example:  [bold]rlops partition status[/bold]
    """
    return session.read(queries.status if with_queries else status_op.status)


Offline = Annotated[bool, typer.Option("--offline", help="In one go while writers wait: for small tables.")]


@command(app, "enable", title="partition enable", writes=True)
def enable(
    session: Session,
    is_offline: Offline = False,
    integrity: Annotated[
        Literal["triggers", "none"], typer.Option("--integrity", help="What stands in for the foreign keys.")
    ] = "triggers",
) -> Answer:
    """Partition the interactions by month, in one go while writers wait; typed again it goes on after an interruption.

    Example:  [bold]rlops partition enable --offline --dry-run[/bold]
    """
    _only_offline(is_offline)
    by_triggers = integrity == "triggers"
    return session.write(lambda db, sql: offline.enable(db, sql, by_triggers=by_triggers), offline.verify)


@command(app, "disable", title="partition disable", writes=True)
def disable(session: Session, is_offline: Offline = False) -> Answer:
    """Go back to an unpartitioned table with foreign keys, in one go while writers wait.

    Example:  [bold]rlops partition disable --offline --dry-run[/bold]
    """
    _only_offline(is_offline)
    return session.write(offline.disable, offline.verify)


def _only_offline(is_offline: bool) -> None:
    if not is_offline:
        raise Usage(
            f"writers of {INTERACTIONS} wait while the table is rebuilt, which has to be said",
            "Say --offline; with --dry-run it tells first how long about.", "offline",
        )  # fmt: skip


@command(app, "ensure", title="partition ensure", writes=True)
def ensure(
    session: Session,
    ahead: Annotated[
        int | None, typer.Option("--ahead", min=0, max=120, help="Whole months past the current one.")
    ] = None,
) -> Answer:
    """Keep months ahead of the clock. Nothing to do is instant, so run it daily.

    Example:  [bold]rlops partition ensure --ahead 3[/bold]
    """
    return session.write(lambda db, sql: ensure_op.plan(db, sql, ahead), ensure_op.verify)


@command(app, "expire", title="partition expire", writes=True, long=True)
def expire(
    session: Session,
    *,
    months: Annotated[
        int | None, typer.Option("--months", min=1, max=1200, help="Whole months to keep, beside the current one.")
    ] = None,
    most: Annotated[int | None, typer.Option("--most", min=1, help="Months that this run takes out at most.")] = None,
    to: To = None,
) -> Answer:
    """Take months past the retention out whole: archived and verified, exchanged with a hold table, compared, dropped.

    It is what `rlops cleanup` does on a partitioned table, for a few months at a time. One that can't go stays (exit 3).

    Example:  [bold]rlops partition expire --dry-run[/bold]
    """
    from rlops.ops.partition import expire as op

    def planner(db: Database, sql: SqlFolder) -> Plan:
        months_kept = months or sql.policy.retention.interactions_months
        at_most = most or sql.policy.partitions.expire_per_run
        return op.plan(db, sql, request(session, db, months_kept, to), at_most)

    return session.write(planner, op.verify)
