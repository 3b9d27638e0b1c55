"""rlops demo."""

from __future__ import annotations

import sys

from rlops.cli.options import command, new_app
from rlops.cli.sandbox import Engine, no_target
from rlops.cli.session import Session
from rlops.errors import Exit, Failed, Interrupted
from rlops.plan import Answer
from rlops.render import Output
from rlops.render.views.demo import announcement
from rlops.sandbox import demo as theatre

app = new_app()


@command(app, "demo")
def demo(session: Session, engine: Engine = None) -> Answer:
    """Play the whole life of the tables on a throw-away server, and leave nothing behind.

    Example:  [bold]rlops demo --engine mariadb[/bold]
    """
    no_target(session)
    screen, common = session.screen, session.common
    # With JSON, stdout carries the one document of this command, and the show goes to stderr.
    console, output = (screen.err, sys.stderr) if common.output is Output.JSON else (screen.out, sys.stdout)
    switches = {"RLOPS_QUIET": common.quiet, "RLOPS_VERBOSE": common.verbose, "RLOPS_NO_COLOR": common.no_color}

    def show(scene: theatre.Scene) -> None:
        console.print(announcement(str(scene), scene.why))
        output.flush()

    variables = {name: "1" for name, given in switches.items() if given}
    try:
        return _answer(theatre.play(engine, show, screen.note, output, variables))
    except KeyboardInterrupt:
        raise Interrupted("the demo was interrupted; its server is gone, with its data") from None


def _answer(performance: theatre.Performance) -> Answer:
    played = [{"command": p.command, "exit_code": p.exit_code, "seconds": p.seconds} for p in performance.played]
    data = {
        "server": performance.server,
        "played": played,
        "seconds": round(sum(p.seconds for p in performance.played), 1),
    }
    if (failed := performance.failed) is None:
        return Answer(
            "demo",
            data=data,
            headline="The whole life of the tables, and nothing is left of it.",
            next="rlops sandbox start",
        )
    error = Failed(
        f"`{failed.command}` ended with exit code {failed.exit_code}; the demo's server is gone, with its data",
        "What it said stands above.",
        "demo",
    )
    return Answer("demo", Exit.FAILED, data, error=error)
