"""The table of `rlops config show`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import table


def view(answer: Answer) -> Iterator[RenderableType]:
    """Every setting; the warnings are on stderr already."""
    settings = table("setting", "value", "source")
    for setting in answer.data["settings"]:
        settings.add_row(setting["name"], setting["value"] or "", setting["source"])
    yield settings
