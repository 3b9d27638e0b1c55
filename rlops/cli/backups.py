"""rlops backups."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.errors import Usage
from rlops.ops.backups import listing, prune
from rlops.plan import Answer

app = new_app("Show and prune the backups that rollbacks kept.")


@app.callback()
def group() -> None:
    """Show and prune the backups that rollbacks kept."""


@command(app, "list", title="backups list")
def list_(session: Session) -> Answer:
    """List the backups with their tables, rows, size and age; with --output json their manifests too.

    Example:  [bold]rlops backups list[/bold]
    """
    return session.read(listing.listed)


@command(app, "show", title="backups show")
def show(session: Session, backup: Annotated[str, typer.Argument(help="Id of the backup.")]) -> Answer:
    """Print one backup's manifest: definitions, keys, triggers, partitions, grants, counts, who, when and why.

    Example:  [bold]rlops backups show 20261122_120721 --output json[/bold]
    """
    return session.read(lambda db, sql: listing.show(db, sql, backup))


@command(app, "prune", title="backups prune", writes=True)
def prune_(
    session: Session,
    older_than: Annotated[
        int | None,
        typer.Option("--older-than", min=0, metavar="DAYS", help="Drop older ones; the policy's days if not given."),
    ] = None,
    backup: Annotated[
        list[str] | None, typer.Option("--backup", metavar="ID", help="Drop this one; may be given more than once.")
    ] = None,
) -> Answer:
    """Drop old backups for good; never the newest verified one, unless it is named.

    Example:  [bold]rlops backups prune --older-than 90 --dry-run[/bold]
    """
    if backup and older_than is not None:
        raise Usage("--older-than and --backup are two ways to choose", "Give one of them.")
    return session.write(
        lambda db, sql: prune.plan(db, sql, session.environment(db), older_than=older_than, named=backup or ()),
        prune.verify,
    )
