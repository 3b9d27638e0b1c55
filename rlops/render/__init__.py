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
from rlops.render.document import document
from rlops.render.screen import Output, Screen

__all__ = ["Output", "Screen", "document", "show"]


def show(screen: Screen, answer: Answer, target: Mapping[str, Any], engine: engines.Engine | None) -> Exit:
    """Show an answer: stdout carries it, stderr the error. Returns its exit code, or FAILED where nobody can read it.

    Raises BrokenPipeError when the reader has gone.
    """
    try:
        _show(screen, answer, target, engine)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes it once more at its end
        problem = f"the answer can't be written to stdout: {error.strerror}; what it tells of is done all the same"
        screen.error(Failed(problem, "`rlops history` tells what was changed."))
        return Exit.FAILED if answer.exit is Exit.OK else answer.exit
    return answer.exit


def _show(screen: Screen, answer: Answer, target: Mapping[str, Any], engine: engines.Engine | None) -> None:
    if screen.output is Output.JSON:
        screen.json(document(answer, target, engine))
        return
    if answer.error is None or answer.data:
        screen.answer(answer, _view(answer.command))
    if answer.error is not None:
        screen.error(answer.error)


def _view(command: str) -> Any:
    name = f"rlops.render.views.{command.replace(' ', '_').replace('-', '_')}"
    return importlib.import_module(name).view if importlib.util.find_spec(name) else None
