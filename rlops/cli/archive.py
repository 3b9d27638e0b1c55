"""rlops archive."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rlops.cli.options import command, new_app, time_of
from rlops.cli.session import Session
from rlops.ops.archive.request import Request
from rlops.plan import Answer

app = new_app("Keep old interactions in cold storage, as Parquet files that are read back before anything is deleted.")

DEFAULT_FOLDER = "rlops-archive"  # in the working folder, in development

To = Annotated[
    str | None,
    typer.Option(
        "--to", help="The archive: a folder or s3://bucket/prefix [dim]\\[RLOPS_ARCHIVE_TO][/dim].", metavar="URL"
    ),
]
Moved = Annotated[
    bool,
    typer.Option("--moved", help="This server, or this place, has taken the other's place: take the archive over."),
]


@app.callback()
def group() -> None:
    """Keep old interactions in cold storage, as Parquet files that are read back before anything is deleted."""


@command(app, "run", title="archive run", writes=True)
def run(
    session: Session,
    months: Annotated[
        int | None,
        typer.Option(
            "--months", min=1, max=1200, help="Archive what is older than so many whole months [dim](policy)[/dim]."
        ),
    ] = None,
    to: To = None,
    moved: Moved = False,
    now: Annotated[
        str | None, typer.Option("--now", help="Take this time for the clock (development only).", metavar="TIME")
    ] = None,
) -> Answer:
    """Copy whole months to cold storage as Parquet, read every file back, and compare it with the server's own sums.

    Nothing is deleted. Later runs go to the destination of the first. An interrupted run is simply run again.

    Example:  [bold]rlops archive run --months 6 --to /srv/archive --dry-run[/bold]
    """
    from rlops.ops.archive import run as op

    return session.write(
        lambda db, sql: op.plan(
            db,
            sql,
            Request(session.environment(db), months, destination(session, to), default_folder(), moved, time_of(now)),
        ),
        op.verify,
    )


@command(app, "list", title="archive list")
def list_(session: Session) -> Answer:
    """List what cold storage holds: months, rows, bytes, compression and state.

    Example:  [bold]rlops archive list[/bold]
    """
    from rlops.ops.archive import listed as op

    return session.read(op.listed)


@command(app, "verify", title="archive verify")
def verify(session: Session, to: To = None) -> Answer:
    """Read all of cold storage again: every byte, every row, against manifests and record. Findings exit with 3.

    Example:  [bold]rlops archive verify[/bold]
    """
    from rlops.ops.archive import verify as op

    with session.screen.progress() as emit:
        return session.read(lambda db, sql: op.verify(db, sql, destination(session, to), emit))


@command(app, "restore", title="archive restore", writes=True, long=True)
def restore(
    session: Session,
    *,
    months: Annotated[list[str], typer.Argument(help="Months such as 2025-03.", metavar="MONTH...")],
    to_table: Annotated[
        Literal["staging", "live"], typer.Option("--to-table", help="A table of its own, or the live one.")
    ] = "staging",
    release: Annotated[bool, typer.Option("--release", help="Let retention have these months again.")] = False,
    to: To = None,
) -> Answer:
    """Bring months back from cold storage; in the live table retention holds them until they are released.

    Rows that are there with other values stay; rows whose user or product is gone are left out, and counted.

    Example:  [bold]rlops archive restore 2025-03 --to-table live[/bold]
    """
    from rlops.ops.archive import restore as op

    return session.write(
        lambda db, sql: op.plan(db, sql, months, to_table, to=destination(session, to), release=release), op.verify
    )


def destination(session: Session, to: str | None) -> str | None:
    """The archive that was named, by option, variable or profile; None leaves it to the record."""
    from rlops.archive.store import absolute

    named = to or session.target.archive_to
    return absolute(named, Path.cwd(), Path.home()) if named else None


def default_folder() -> str:
    """Where the archive of a development run is, when nobody says: in the working folder."""
    return str(Path.cwd() / DEFAULT_FOLDER)
