"""rlops archive."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rlops.cli.options import command, new_app, time_of
from rlops.cli.parents import IDS, read_ids, told_apart
from rlops.cli.session import Session
from rlops.db import Database
from rlops.ops.archive.request import Request
from rlops.plan import Answer, Plan
from rlops.sqlfiles import SqlFolder

if TYPE_CHECKING:
    from rlops.ops.archive.erase import Eraser

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
        lambda db, sql: op.plan(db, sql, request(session, db, months, to, moved=moved, now=now)), op.verify
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


@command(app, "erase", title="archive erase", writes=True, long=True, without=("user",))
def erase(
    session: Session,
    *,
    users: Annotated[
        list[str] | None,
        typer.Option(
            "--user", help="Whose rows go, once for each; what is no number is the account's name.", metavar="ID"
        ),
    ] = None,
    products: Annotated[
        list[int] | None,
        typer.Option("--product", min=IDS[0], max=IDS[1], help="Which product's rows go, once for each.", metavar="ID"),
    ] = None,
    users_from: Annotated[
        Path | None, typer.Option("--users-from", help="A file of users' ids, one a line.", metavar="FILE")
    ] = None,
    to: To = None,
) -> Answer:
    """Erase rows from the archive, backups, set-aside, staging and hold tables: of users and products that are gone.

    With ids, those of these users and products. The live tables stay as they are. Files are written anew and read back.

    Example:  [bold]rlops archive erase --dry-run[/bold]
    """
    from rlops.ops.archive import erase as op

    numbers, session.common.connection["user"] = told_apart(users or [])
    named = [*numbers, *(read_ids(users_from) if users_from else [])]
    ids = {"user": named, "product": products or []} if named or products or users_from else None
    given = [f"--user {each}" for each in numbers] + [f"--product {each}" for each in products or []]
    given += [f"--users-from {shlex.quote(str(users_from))}"] if users_from else []
    return carry_out(session, op.Eraser(ids, destination(session, to), " ".join(["rlops archive erase", *given])))


def carry_out(session: Session, eraser: Eraser) -> Answer:
    """Plan an erasure, with progress while the archive is searched, and run it."""
    from rlops.ops.archive.erase import verify

    def plan(db: Database, sql: SqlFolder) -> Plan:
        if eraser.search:  # under the run lock, where the run's own progress is drawn; what was read is known
            return eraser.plan(db, sql, session.environment(db))
        with session.screen.progress() as emit:
            return eraser.plan(db, sql, session.environment(db), emit)

    return session.write(plan, verify)


def request(
    session: Session,
    db: Database,
    months: int | None = None,
    to: str | None = None,
    *,
    moved: bool = False,
    now: str | None = None,
) -> Request:
    """What a command that writes to the archive was asked for."""
    return Request(session.environment(db), months, destination(session, to), default_folder(), moved, time_of(now))


def destination(session: Session, to: str | None) -> str | None:
    """The archive that was named, by option, variable or profile; None leaves it to the record."""
    from rlops.archive.destination import absolute

    named = to or session.target.archive_to
    return absolute(named, Path.cwd(), Path.home()) if named else None


def default_folder() -> str:
    """Where the archive of a development run is, when nobody says: in the working folder."""
    return str(Path.cwd() / DEFAULT_FOLDER)
