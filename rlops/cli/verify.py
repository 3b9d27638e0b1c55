"""rlops verify."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.errors import Usage
from rlops.ops import verify as op
from rlops.plan import Answer

app = new_app()


@command(app, "verify")
def verify(
    session: Session,
    smoke: Annotated[bool, typer.Option("--smoke", help="Try rows in a transaction that is rolled back.")] = False,
    data: Annotated[bool, typer.Option("--data", help="Check the newest rows: types, rewards, parents, JSON.")] = False,
    full: Annotated[bool, typer.Option("--full", help="With --data: check all rows, however long it takes.")] = False,
) -> Answer:
    """Compare the live structure and grants with what is declared. Writes nothing; exit 3 when something differs.

    Example:  [bold]rlops verify --smoke[/bold]
    """
    if full and not data:
        raise Usage("--full is for --data", "Type `rlops verify --data --full`.")
    with session.screen.progress() as emit:
        return session.read(lambda db, sql: op.verify(db, sql, with_smoke=smoke, with_data=data, full=full, emit=emit))
