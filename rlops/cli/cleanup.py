"""rlops cleanup."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.archive import Moved, To, default_folder, destination
from rlops.cli.options import command, new_app, time_of
from rlops.cli.session import Session
from rlops.db import Database
from rlops.ops.archive.request import Request
from rlops.plan import Answer, Plan
from rlops.sqlfiles import SqlFolder

app = new_app()


@command(app, "cleanup", writes=True, long=True)
def cleanup(
    session: Session,
    *,
    months: Annotated[
        int, typer.Option("--months", min=1, max=1200, help="Whole months to keep, beside the current one.")
    ],
    to: To = None,
    moved: Moved = False,
    no_archive: Annotated[
        bool, typer.Option("--no-archive", help="Delete for good, without a copy in cold storage.")
    ] = False,
    now: Annotated[
        str | None, typer.Option("--now", help="Take this time for the clock (development only).", metavar="TIME")
    ] = None,
) -> Answer:
    """Delete interactions older than the retention, each of them once a verified part of the archive holds it.

    What isn't archived yet is archived first. Short transactions; an interrupted run goes on when run again.

    Example:  [bold]rlops cleanup --months 12 --dry-run[/bold]
    """
    from rlops.ops import cleanup as op

    def plan(db: Database, sql: SqlFolder) -> Plan:
        environment = session.environment(db)
        if no_archive:
            return op.plan_deletion(db, sql, months, environment, time_of(now))
        from rlops.ops.archive import retention

        wanted = Request(environment, months, destination(session, to), default_folder(), moved, time_of(now))
        return retention.plan(db, sql, months, wanted)

    return session.write(plan, op.verify)
