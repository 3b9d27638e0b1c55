"""rlops backups."""

from __future__ import annotations

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.ops import backups as op
from rlops.plan import Answer

app = new_app("Show the backups that rollbacks kept.")


@app.callback()
def group() -> None:
    """Show the backups that rollbacks kept."""


@command(app, "list", title="backups list")
def list_(session: Session) -> Answer:
    """List the backups with their tables, rows, size and age.

    Example:  [bold]rlops backups list[/bold]
    """
    return session.read(op.listed)
