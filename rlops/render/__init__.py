"""Turns an answer into a table for people or into the one JSON document; the only package that imports rich."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from typing import Any

from rlops import engines
from rlops.errors import Exit, Failed
from rlops.plan import Answer
from rlops.render import nagios
from rlops.render.document import document
from rlops.render.screen import Output, Screen

__all__ = ["Output", "Screen", "document", "show"]


def show(screen: Screen, answer: Answer, target: Mapping[str, Any], engine: engines.Engine | None) -> int:
    """Show an answer: stdout carries it, stderr the error. Returns the exit code, which is Nagios's own for its form.

    It is FAILED where nobody can read the answer. Raises BrokenPipeError when the reader has gone.
    """
    try:
        code = _show(screen, answer, target, engine)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end
        problem = f"the answer can't be written to stdout: {error.strerror}; what it tells of is done all the same"
        screen.error(Failed(problem, "`rlops history` tells what was changed."))
        return int(Exit.FAILED if answer.exit is Exit.OK else answer.exit)
    return code


def _show(screen: Screen, answer: Answer, target: Mapping[str, Any], engine: engines.Engine | None) -> int:
    if screen.output is Output.JSON:
        screen.write(document(answer, target, engine))
    elif screen.output is Output.NAGIOS:
        text, code = nagios.report(answer)
        screen.write(text)
        return code
    elif screen.output is Output.PROMETHEUS and answer.data:
        from rlops.render import prometheus

        screen.write(prometheus.text(answer.data, target).rstrip("\n"))
    elif screen.output is Output.TABLE and (answer.error is None or answer.data):
        screen.answer(answer, _view(answer.command))
    if answer.error is not None and screen.output is not Output.JSON:
        screen.error(answer.error)
    return int(answer.exit)


def _view(command: str) -> Any:
    name = f"rlops.render.views.{command.replace(' ', '_').replace('-', '_')}"
    return importlib.import_module(name).view if importlib.util.find_spec(name) else None
