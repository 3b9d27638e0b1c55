"""The table of `rlops restore`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import number, table


def view(answer: Answer) -> Iterator[RenderableType]:
    """Which tables come back with how many rows, and what was set aside."""
    if answer.data.get("tables"):
        made = table("table", "rows", "set aside", title=f"Backup {answer.data['backup']}")
        for t in answer.data["tables"]:
            aside = f"{t['orphans']:,} rows in {t['set_aside']}" if t.get("orphans") else ""
            made.add_row(t["table"], number(t["rows"], t["rows_estimated"]), aside)
        yield made
