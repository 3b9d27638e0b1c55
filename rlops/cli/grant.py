"""rlops grant."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.ops import grant as op
from rlops.plan import Answer

app = new_app()


@command(app, "grant", writes=True)
def grant(
    session: Session,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare; exit 3 when something is missing or in excess.")
    ] = False,
) -> Answer:
    """Give the application account what policy.toml declares on each of the three tables, and nothing more.

    Example:  [bold]rlops grant --dry-run[/bold]

    Never creates an account, and never revokes: --check shows what is in excess, and the REVOKE for it.
    """
    return session.read(op.check) if check else session.write(op.plan, op.verify)
