"""The root command. Command modules are imported when they are called, so that `rlops --help` answers at once."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from rlops import __version__

ROLLOUT, CARE, LOOK, PLAY = "Rollout and way back", "Care", "Look", "Try it out"

# name: (panel, one line of help). Each is `rlops.cli.NAME`, whose `app` is a Typer application.
COMMANDS = {
    "migrate": (ROLLOUT, "Create what is missing of the three tables, as declared."),
    "grant": (ROLLOUT, "Give the application account the declared privileges."),
    "verify": (ROLLOUT, "Compare structure and grants with what is declared."),
    "rollback": (ROLLOUT, "Keep every row in a backup, then remove the tables."),
    "backups": (ROLLOUT, "Show and prune the backups that rollbacks kept."),
    "restore": (ROLLOUT, "Bring a backup's tables back."),
    "archive": (CARE, "Keep old interactions in cold storage, read back and verified."),
    "cleanup": (CARE, "Remove interactions older than the retention, gently."),
    "partition": (CARE, "Partitions by month: make, keep ahead, drop old ones."),
    "maintain": (CARE, "The monthly work in one line: archive, retention, check, snapshot."),
    "purge": (CARE, "Remove one user's or product's interactions, gently, before it is deleted."),
    "jobs": (CARE, "Long work that runs or was interrupted: list, pause, resume, abort."),
    "uninstall": (CARE, "Remove rlops' own tables, triggers and account; never the three tables."),
    "monitor": (LOOK, "Sizes, rows, growth and index usage, each with its source."),
    "doctor": (LOOK, "What each command needs, and whether it has it."),
    "history": (LOOK, "What was run here: when, by whom, with what result."),
    "config": (LOOK, "Show every setting and where it came from."),
    "demo": (PLAY, "The whole life of the tables on a throw-away server."),
    "sandbox": (PLAY, "A throw-away server that stays."),
    "seed": (PLAY, "Fill the tables with synthetic data (development only)."),
}


@contextmanager
def _heard() -> Iterator[None]:
    """Lets a signal out: Typer makes exit code 130 of it, as if the command had said so itself."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise typer.Abort from error


class _Lazy(TyperGroup):
    """Shows commands from the table above and imports the one that is resolved."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, (panel, text) in COMMANDS.items():
            self.commands[name] = TyperCommand(name=name, help=text, rich_help_panel=panel, callback=lambda: None)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The commands by what they are for."""
        del ctx
        for panel in dict.fromkeys(panel for panel, _ in COMMANDS.values()):
            with formatter.section(panel):
                formatter.write_dl([(name, text) for name, (of, text) in COMMANDS.items() if of == panel])

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _heard():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _heard():
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        if name in COMMANDS:
            loaded = typer.main.get_command(importlib.import_module(f"rlops.cli.{name}").app)
            loaded.name = name
            self.commands[name] = loaded
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Lazy,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,  # rich alone would cost as much as all the rest of `rlops --help`
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rlops {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Carry the recommender's three tables through their life in a shop's live MySQL or MariaDB database.

    \b
    Start with `rlops demo` on a throw-away server,
    or with    `rlops doctor --url mysql://user@host/schema` on your own.
    """
