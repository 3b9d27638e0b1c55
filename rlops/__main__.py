"""The entry point: runs the command line and turns every end into an exit code and, if wanted, one JSON document."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from rlops.cli.app import COMMANDS, app
from rlops.errors import Exit, RlopsError


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run rlops and exit with one of `errors.Exit`."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(arguments, standalone_mode=False, prog_name="rlops")
    except typer.Abort:
        code = Exit.INTERRUPTED
    except typer.TyperException as error:
        code = _usage(arguments, error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.FAILED
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except Exception as error:
        code = _unexpected(arguments, error)
    sys.exit(int(code or 0))


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


def _unexpected(arguments: Sequence[str], error: Exception) -> int:
    if os.environ.get("RLOPS_TRACEBACK"):
        raise error
    problem = RlopsError(
        f"rlops met something that it was not built for ({type(error).__name__}: {error})",
        "Run the command again with RLOPS_TRACEBACK=1 and report what it prints; `rlops history` tells what was applied.",
        "unexpected",
    )
    return _report(arguments, problem)


def _command(arguments: Sequence[str]) -> str:
    return f"{arguments[0]} " if arguments and arguments[0] in COMMANDS else ""


def _report(arguments: Sequence[str], problem: RlopsError) -> int:
    from rlops import render
    from rlops.plan import Answer

    forms = {form.value: form for form in render.Output}
    output = forms.get(_wanted_output(arguments), render.Output.TABLE)
    screen = render.Screen(output, quiet=False, verbose=False, no_color="--no-color" in arguments)
    return render.show(screen, Answer(_command(arguments).strip(), problem.exit, error=problem), {}, None)


if __name__ == "__main__":
    main()
