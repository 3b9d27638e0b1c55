"""The tables of `rlops rollback`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import number, table


def view(answer: Answer) -> Iterator[RenderableType]:
    """Which table went to which backup."""
    backup = answer.data.get("backup")
    if backup:
        kept = table("table", "kept as", "rows", title=f"Backup {backup['id']}")
        for t in backup["tables"]:
            kept.add_row(t["table"], t["backup_table"], number(t["rows"], t["rows_estimated"]))
        yield kept
