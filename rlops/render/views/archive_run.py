"""The table of `rlops archive run`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import number, size, table


def view(answer: Answer) -> Iterator[RenderableType]:
    """The parts of the months that were archived; before that, the months that are due."""
    if made := answer.data.get("parts"):
        shown = table("part", "rows", "on disk", "state")
        for part in made:
            shown.add_row(part["path"], number(part["rows"]), size(part["bytes"]), part["state"])
        yield shown
    elif answer.dry_run and answer.data.get("due"):
        shown = table("month", "rows")
        for month in answer.data["due"]:
            shown.add_row(month["month"], number(month["rows"], month["rows_estimated"]))
        yield shown
