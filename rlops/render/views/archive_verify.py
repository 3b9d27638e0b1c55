"""What `rlops archive verify` found."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import findings


def view(answer: Answer) -> Iterator[RenderableType]:
    """The findings, each with what mends it."""
    yield from findings(answer.data["findings"])
