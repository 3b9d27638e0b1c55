"""Turns an answer into a table for people or into the one JSON document; the only package that imports rich."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from rlops import engines
from rlops.plan import Answer
from rlops.render import nagios
from rlops.render.document import document
from rlops.render.screen import Output, Screen

__all__ = ["Output", "Screen", "document", "show"]


def show(screen: Screen, answer: Answer, target: Mapping[str, Any], engine: engines.Engine | None) -> int:
    """Show an answer: stdout carries it, stderr the error. Returns the exit code, which is Nagios's own for its form."""
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
