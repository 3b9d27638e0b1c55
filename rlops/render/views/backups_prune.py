"""The table of `rlops backups prune`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import number, size, table


def view(answer: Answer) -> Iterator[RenderableType]:
    """Which backups go."""
    if answer.data.get("pruned"):
        made = table("backup", "age", "tables", "rows", "size")
        for each in answer.data["pruned"]:
            made.add_row(
                each["id"],
                f"{each['age_days']} days",
                ", ".join(each["tables"]),
                number(each["rows"]),
                "~" + size(each["bytes"]),
            )
        yield made
