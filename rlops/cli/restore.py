"""rlops restore."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.errors import Usage
from rlops.ops import restore as op
from rlops.plan import Answer

app = new_app()


@command(app, "restore", writes=True)
def restore(
    session: Session,
    backup: Annotated[str | None, typer.Argument(help="Id of the backup; the newest if not given.")] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Bring the rows into tables that were made anew meanwhile.")
    ] = False,
    on_conflict: Annotated[
        Literal["keep", "backup"],
        typer.Option(
            "--on-conflict",
            help="Where a live row has the same unique key. keep: the live row stays. backup: the backup's row takes its place."
            " The other one is kept aside in a table.",
        ),
    ] = "keep",
) -> Answer:
    """Bring a backup's tables back with their foreign keys; rows whose user or product is gone are set aside.

    Example:  [bold]rlops restore --dry-run[/bold]  then  [bold]rlops restore[/bold]
    """
    if on_conflict == "backup" and not merge:
        raise Usage("--on-conflict is for --merge", "`rlops restore --help` shows both.")
    return session.write(
        lambda db, sql: op.plan(
            db, sql, backup, merging=merge, on_conflict=on_conflict, environment=session.environment(db)
        ),
        op.verify,
    )
