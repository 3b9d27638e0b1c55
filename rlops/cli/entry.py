"""Runs the command line and turns every end into an exit code and, if wanted, one JSON document."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import typer

from rlops.cli.app import COMMANDS, app
from rlops.errors import Exit, Interrupted, RlopsError, unexpected
from rlops.stop import ignored


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code. Raises KeyboardInterrupt."""
    sys.stdout = sys.stdout or _nowhere()  # None where the shell closed it
    sys.stderr = sys.stderr or _nowhere()
    try:
        code = app(arguments, standalone_mode=False, prog_name="rlops")
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except typer.TyperException as error:
        code = _usage(arguments, error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.FAILED
    except Exception as error:
        code = _report(arguments, unexpected(error))
    return int(code or 0)


def interrupted(arguments: Sequence[str]) -> int:
    """Say that a signal came before the command had begun, or while it was only looking."""
    ignored()
    return _report(arguments, Interrupted("interrupted; nothing was changed"))


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _wanted_output(arguments: Sequence[str]) -> str:
    for at, argument in enumerate(arguments):
        if argument == "--output" and arguments[at + 1 : at + 2]:
            return arguments[at + 1]
        if argument.startswith("--output="):
            return argument.removeprefix("--output=")
    return os.environ.get("RLOPS_OUTPUT", "")


def _usage(arguments: Sequence[str], error: typer.TyperException) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # type: ignore[attr-defined]
        return Exit.USAGE
    problem = RlopsError(error.format_message(), f"`rlops {_command(arguments)}--help` shows what there is.", "usage")
    problem.exit = Exit.USAGE
    return _report(arguments, problem)


def _command(arguments: Sequence[str]) -> str:
    return f"{arguments[0]} " if arguments and arguments[0] in COMMANDS else ""


def _report(arguments: Sequence[str], problem: RlopsError) -> int:
    from rlops import render  # with rich, which `rlops --help` does without
    from rlops.plan import Answer

    forms = {form.value: form for form in render.Output}
    output = forms.get(_wanted_output(arguments), render.Output.TABLE)
    screen = render.Screen(output, quiet=False, verbose=False, no_color="--no-color" in arguments)
    return render.show(screen, Answer(_command(arguments).strip(), problem.exit, error=problem), {}, None)
