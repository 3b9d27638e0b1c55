"""rlops jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.ops import jobs as op
from rlops.ops.partition import back
from rlops.plan import Answer

app = new_app("Long work that runs or was interrupted, from any host.")
Number = Annotated[int | None, typer.Argument(metavar="[ID]", help="The job; not needed where there is only one.")]


@app.callback()
def group() -> None:
    """Long work that runs or was interrupted, from any host."""


@command(app, "list", title="jobs list")
def list_(
    session: Session,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many jobs, the open ones first.")] = 20,
) -> Answer:
    """List the jobs with their state, their progress and why they wait.

    Example:  [bold]rlops jobs list[/bold]
    """
    return session.read(lambda db, _: op.listed(db, limit))


@command(app, "pause", title="jobs pause", asks=True)
def pause(session: Session, number: Number = None) -> Answer:
    """Let a running job wait before its next chunk.

    Example:  [bold]rlops jobs pause 3[/bold]
    """
    return session.ask_of_a_job(lambda db: op.pause(db, number, dry_run=session.common.dry_run))


@command(app, "resume", title="jobs resume", asks=True)
def resume(session: Session, number: Number = None) -> Answer:
    """Let a paused job go on; of an interrupted one, say which command goes on with it.

    Example:  [bold]rlops jobs resume 3[/bold]
    """
    return session.ask_of_a_job(lambda db: op.resume(db, number, dry_run=session.common.dry_run))


@command(app, "abort", title="jobs abort", writes=True, without=("yes", "confirm", "window", "plan", "plan_out"))
def abort(session: Session, number: Number = None) -> Answer:
    """Give a job up: a running one ends after its chunk. What it has done stays done, but for a change of form: it is undone.

    Example:  [bold]rlops jobs abort 3[/bold]
    """
    with session.connect() as db:
        undo = back.to_undo(db, number)
    if undo:
        return session.write(back.abort, back.after_abort)
    return session.ask_of_a_job(lambda db: op.abort(db, number, dry_run=session.common.dry_run))
