"""rlops purge."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.ops import purge as op
from rlops.plan import Answer

app = new_app()


@command(app, "purge", writes=True, long=True)
def purge(
    session: Session,
    user: Annotated[
        int | None, typer.Option("--user", min=op.IDS[0], max=op.IDS[1], help="Whose interactions go.", metavar="ID")
    ] = None,
    product: Annotated[
        int | None,
        typer.Option("--product", min=op.IDS[0], max=op.IDS[1], help="Which product's interactions go.", metavar="ID"),
    ] = None,
) -> Answer:
    """Remove one user's or product's interactions in short transactions, so that the shop's DELETE cascades into nothing.

    Example:  [bold]rlops purge --product 4711 --dry-run[/bold]
    """
    return session.write(lambda db, sql: op.plan(db, sql, user, product, session.environment(db)), op.verify)
