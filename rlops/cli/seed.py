"""rlops seed."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.ops import seed as op
from rlops.plan import Answer

app = new_app()


@command(app, "seed", writes=True)
def seed(
    session: Session,
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many interactions.")] = 10_000,
    months: Annotated[int, typer.Option("--months", min=1, max=240, help="Over how many months, up to now.")] = 6,
) -> Answer:
    """Fill the tables with synthetic interactions, models and features. Development only.

    Example:  [bold]rlops seed --rows 200000 --months 18[/bold]
    """
    return session.write(lambda db, sql: op.plan(db, sql, rows, months, session.environment(db)), op.complete)
