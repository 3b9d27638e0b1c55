"""The tables of `rlops migrate`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import findings, number, table, when


def view(answer: Answer) -> Iterator[RenderableType]:
    """What is there now, and what differs."""
    if answer.data.get("tables"):
        seen = table("table", "rows", "created (UTC)", "collation", "engine")
        for t in answer.data["tables"]:
            seen.add_row(
                t["name"],
                number(t["rows"], bool(t["rows_estimated"])),
                when(t["created"]),
                t["collation"] or "",
                t["engine"] or "",
            )
        yield seen
    yield from findings(answer.data.get("findings", ()))
