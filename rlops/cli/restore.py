"""rlops restore."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.ops import restore as op
from rlops.plan import Answer

app = new_app()


@command(app, "restore", writes=True)
def restore(
    session: Session,
    backup: Annotated[str | None, typer.Argument(help="Id of the backup; the newest if not given.")] = None,
) -> Answer:
    """Bring a backup's tables back with their foreign keys; rows whose user or product is gone are set aside.

    Example:  [bold]rlops restore --dry-run[/bold]  then  [bold]rlops restore[/bold]
    """
    return session.write(lambda db, sql: op.plan(db, sql, backup), op.verify)
