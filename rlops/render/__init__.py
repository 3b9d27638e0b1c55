"""Turns an answer into a table for people or into the one JSON document; the only package that imports rich."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any

from rlops import engines
from rlops.plan import Answer
from rlops.render.document import document
from rlops.render.screen import Output, Screen

__all__ = ["Output", "Screen", "document", "show"]


def show(screen: Screen, answer: Answer, target: Mapping[str, Any], engine: engines.Engine | None) -> None:
    """Show an answer: stdout carries it, stderr the error."""
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
