"""rlops partition."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import typer

from rlops.cli.archive import To, request
from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.db import Database
from rlops.errors import Refused
from rlops.ops.partition import back, offline, online, queries
from rlops.ops.partition import ensure as ensure_op
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


Postpone = Annotated[
    bool,
    typer.Option("--postpone-cut-over", help="Stop before the tables change places; `partition cut-over` goes on."),
]


@command(app, "enable", title="partition enable", writes=True, long=True)
def enable(
    session: Session,
    is_offline: Offline = False,
    postpone: Postpone = False,
    integrity: Annotated[
        Literal["triggers", "none"], typer.Option("--integrity", help="What stands in for the foreign keys.")
    ] = "triggers",
) -> Answer:
    """Partition the interactions by month while the shop goes on; typed again it goes on after an interruption.

    Example:  [bold]rlops partition enable --dry-run[/bold]
    """
    by_triggers = integrity == "triggers"
    if not is_offline:
        if not by_triggers:
            raise Refused("the old table can't be kept equal without triggers. Nothing was changed", "Say --offline.")
        return _online(session, online.Wish("enable", postpone))
    return session.write(lambda db, sql: offline.enable(db, sql, by_triggers=by_triggers), offline.verify)


@command(app, "cut-over", title="partition cut-over", writes=True)
def cut_over(
    session: Session,
    is_back: Annotated[
        bool, typer.Option("--back", help="Let the old table that is kept take its place again.")
    ] = False,
) -> Answer:
    """Let the tables change places that a postponed `partition enable`, `disable` or `ensure` has made ready.

    Example:  [bold]rlops partition cut-over[/bold]
    """
    return session.write(back.cut_over if is_back else online.cut_over, online.verify)


@command(app, "disable", title="partition disable", writes=True, long=True)
def disable(session: Session, is_offline: Offline = False, postpone: Postpone = False) -> Answer:
    """Go back to an unpartitioned table with foreign keys while the shop goes on: by the old table while it is kept.

    Example:  [bold]rlops partition disable --dry-run[/bold]
    """
    if is_offline:
        return session.write(offline.disable, offline.verify)
    return _online(session, online.Wish("disable", postpone))


def _online(session: Session, wish: online.Wish) -> Answer:
    return _undone(session, session.write(lambda db, sql: online.plan(db, sql, wish), online.verify))


def _undone(session: Session, answer: Answer) -> Answer:
    """What somebody gave up from elsewhere is undone by the run that carried it out."""
    if not answer.error or answer.error.code != "job_aborted":
        return answer
    undone = session.part("jobs abort", plan=None, plan_out=None, stop_file=None).write(back.abort, back.after_abort)
    return replace(answer, notes=(*answer.notes, undone.headline)) if undone.error is None else undone


@command(app, "finish", title="partition finish", writes=True)
def finish(session: Session) -> Answer:
    """Drop the old table that a change of form keeps equal as a way back.

    Example:  [bold]rlops partition finish --dry-run[/bold]
    """
    return session.write(lambda db, sql: back.finish(db, sql, session.environment(db)), back.after_finish)


@command(app, "ensure", title="partition ensure", writes=True, long=True)
def ensure(
    session: Session,
    ahead: Annotated[
        int | None, typer.Option("--ahead", min=0, max=120, help="Whole months past the current one.")
    ] = None,
    drain: Annotated[
        bool, typer.Option("--drain/--no-drain", help="Drain a catch-all with many rows, a long job; or refuse.")
    ] = True,
    postpone: Postpone = False,
) -> Answer:
    """Keep months ahead of the clock. Nothing to do is instant, so run it daily.

    A catch-all with many rows isn't split, which would stop the writers: it is drained by a copy while the shop goes on.

    Example:  [bold]rlops partition ensure --ahead 3[/bold]
    """

    def planner(db: Database, sql: SqlFolder) -> Plan:
        return ensure_op.plan(db, sql, ahead, drains=drain, postpone=postpone)

    return _undone(session, session.write(planner, ensure_op.verify))


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
