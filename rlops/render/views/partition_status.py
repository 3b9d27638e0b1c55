"""The table of `rlops partition status`: the months, a bar for their size, and what is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from rlops.plan import Answer
from rlops.render.cells import number, size, table

BAR = 12  # characters of the longest bar


def _archive(known: Mapping[str, Any] | None) -> str:
    return f"{known['state']} {number(known['rows'])}" if known else ""


def view(answer: Answer) -> Iterator[RenderableType]:
    """The months, then what doesn't fit, what is due, and the statements that touch every month."""
    data = answer.data
    if data.get("partitions"):
        shown = table("month", "before", "rows", "archive", "size", "")
        most = max((each["size_bytes"] for each in data["partitions"]), default=0) or 1
        for each in data["partitions"]:
            bar = "▇" * max(1 if each["rows"] else 0, round(BAR * each["size_bytes"] / most)) if each["rows"] else ""
            shown.add_row(
                each["name"], (each["to"] or "")[:10],
                number(each["rows"], True), _archive(each["archive"]), "~" + size(each["size_bytes"]), bar,
            )  # fmt: skip
        yield shown
    for problem in data.get("gaps", ()):
        yield Text(
            f"{problem['object']}: {problem['check']}: {problem['actual']}, expected {problem['expected']}", "red"
        )
    for due in data.get("due", ()):
        yield Text(f"due: {due['what']} (`{due['next']}`)", "yellow")
    if data.get("queries"):
        queries = table("statement", "executions", "seconds", title="Statements that look into every month")
        for each in data["queries"]:
            queries.add_row(each["statement"], number(each["executions"]), number(round(each["total_seconds"], 1)))
        yield queries
