"""rlops history."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.ops import history as op
from rlops.plan import Answer

app = new_app()


@command(app, "history")
def history(
    session: Session,
    run: Annotated[
        int | None, typer.Option("--run", help="Show the steps and statements of one run.", metavar="ID")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many runs, newest first.")] = 20,
) -> Answer:
    """Show what was run here: when, by whom, with what result.

    Example:  [bold]rlops history --limit 5[/bold]
    """
    return session.read(lambda db, _: op.history(db, run, limit))
