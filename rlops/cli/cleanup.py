"""rlops cleanup."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.options import command, new_app, time_of
from rlops.cli.session import Session
from rlops.ops import cleanup as op
from rlops.plan import Answer

app = new_app()


@command(app, "cleanup", writes=True, long=True)
def cleanup(
    session: Session,
    months: Annotated[
        int, typer.Option("--months", min=1, max=1200, help="Whole months to keep, beside the current one.")
    ],
    now: Annotated[
        str | None, typer.Option("--now", help="Take this time for the clock (development only).", metavar="TIME")
    ] = None,
) -> Answer:
    """Delete interactions older than the retention, in short transactions; an interrupted run goes on when run again.

    Example:  [bold]rlops cleanup --months 12 --dry-run[/bold]
    """
    return session.write(lambda db, sql: op.plan(db, sql, months, session.environment(db), time_of(now)), op.verify)
