"""rlops sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rlops.cli.options import command, new_app
from rlops.cli.session import Session
from rlops.errors import Exit, Usage
from rlops.plan import Answer
from rlops.sandbox import shop, state
from rlops.sandbox.server import RunningServer

app = new_app("A throw-away server that stays, with a synthetic shop on it.")

Engine = Annotated[
    str | None,
    typer.Option("--engine", help="mysql, mariadb, seekdb or a label such as mariadb-10.11; by default the best here."),
]


@command(app, "start", title="sandbox start")
def start(session: Session, engine: Engine = None) -> Answer:
    """Start the sandbox of this folder. While it runs, commands without a target of their own use it.

    Example:  [bold]rlops sandbox start[/bold]  then  [bold]rlops migrate[/bold]
    """
    no_target(session)
    server, started = state.start(Path.cwd(), engine, session.screen.note)
    headline = f"{shop.describe(server)} {'is running' if started else 'was running already'}"
    return Answer(
        "sandbox start", data=_data(server), headline=f"{headline}, with a shop in {shop.SCHEMA}.", next="rlops migrate"
    )


@command(app, "stop", title="sandbox stop")
def stop(session: Session) -> Answer:
    """Stop the sandbox of this folder and remove its data.

    Example:  [bold]rlops sandbox stop[/bold]
    """
    no_target(session)
    stopped = state.stop(Path.cwd())
    headline = "The sandbox is gone, with its data." if stopped else "There is no sandbox in this folder."
    return Answer("sandbox stop", data={"stopped": stopped}, headline=headline)


@command(app, "status", title="sandbox status")
def status(session: Session) -> Answer:
    """Say whether a sandbox runs in this folder (exit 3 if it is dead).

    Example:  [bold]rlops sandbox status --output json[/bold]
    """
    no_target(session)
    server = state.read(Path.cwd())
    if server is None:
        return Answer(
            "sandbox status",
            data={"running": False},
            headline="There is no sandbox in this folder.",
            next="rlops sandbox start",
        )
    if not server.alive():
        return Answer(
            "sandbox status", Exit.FINDINGS, _data(server), headline="The sandbox is dead.", notes=(state.CLEAN_UP,)
        )
    return Answer("sandbox status", data=_data(server), headline=f"{shop.describe(server)} is running.")


def no_target(session: Session) -> None:
    """Raise Usage for an option that names a server: these commands bring their own."""
    for name, value in session.common.connection.items():
        if value is not None:
            raise Usage(
                f"--{name.replace('_', '-')} has no meaning for `rlops {session.command}`", "Leave it out.", "no_target"
            )


def _data(server: RunningServer) -> dict[str, object]:
    return {
        "running": server.alive(),
        "engine": shop.describe(server),
        "label": server.label,
        "socket": str(server.socket),
        "user": server.user,
        "database": shop.SCHEMA,
        "directory": str(server.directory),
        "pid": server.pid,
    }
