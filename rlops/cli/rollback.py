"""rlops rollback."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.errors import Usage
from rlops.ops.rollback import Rollback, verify
from rlops.plan import Answer

app = new_app()


@command(app, "rollback", writes=True)
def rollback(
    session: Session,
    table: Annotated[
        list[str] | None, typer.Option("--table", help="Only this table; may be given more than once.")
    ] = None,
    backup: Annotated[
        Literal["rename", "copy"],
        typer.Option(
            "--backup", help="rename: at once, at any size. copy: then copy the backup to another schema too."
        ),
    ] = "rename",
    to_database: Annotated[
        str | None, typer.Option("--to-database", help="The schema that the copy goes to.", metavar="SCHEMA")
    ] = None,
) -> Answer:
    """Keep every row of the three tables in a backup by one atomic rename, and verify it.

    Example:  [bold]rlops rollback --dry-run[/bold]  then  [bold]rlops rollback --confirm ecommercedb[/bold]
    """
    if (backup == "copy") != bool(to_database):
        raise Usage("--backup copy and --to-database SCHEMA go together", "`rlops rollback --help` shows them.")
    planned: list[Rollback] = []

    def planner(db, sql):  # type: ignore[no-untyped-def]
        if not planned:
            planned.append(Rollback(session.environment(db), table or (), to_database, session.common.ticket))
        return planned[0].plan(db, sql)

    return session.write(planner, verify)
