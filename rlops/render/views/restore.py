"""The table of `rlops restore`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import number, table


def view(answer: Answer) -> Iterator[RenderableType]:
    """Which tables come back with how many rows, what was merged, and what was kept aside."""
    if answer.data.get("tables"):
        made = table("table", "rows", "merged", "kept aside", title=f"Backup {answer.data['backup']}")
        for t in answer.data["tables"]:
            beside = [
                f"{t[key]:,} rows in {t[where]}"
                for key, where in (
                    ("orphans", "set_aside"),
                    ("conflicting", "conflicting_in"),
                    ("replaced", "replaced_in"),
                )
                if t.get(key) and t.get(where)
            ]
            merged = number(t.get("merged")) if t.get("merge") else ""
            made.add_row(t["table"], number(t["rows"], t["rows_estimated"]), merged, "\n".join(beside))
        yield made
