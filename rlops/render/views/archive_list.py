"""The table of `rlops archive list`: one line a month."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import number, size, table


def view(answer: Answer) -> Iterator[RenderableType]:
    """Each month with its parts, rows, bytes, compression (the rows in memory to their file) and states."""
    if not answer.data["parts"]:
        return
    made = table("month", "parts", "rows", "on disk", "bytes/row", "compression", "state", title="Archive")
    for month, found in groupby(answer.data["parts"], key=lambda part: part["month"]):
        group = list(found)
        rows, stored, raw = (sum(part[key] for part in group) for key in ("rows", "bytes", "raw_bytes"))
        states = ", ".join(dict.fromkeys(part["state"] for part in group))
        made.add_row(
            month, str(len(group)), number(rows), size(stored), number(stored / rows if rows else None),
            f"{raw / stored:.1f}×" if stored else "", states + (", held" if any(part["held"] for part in group) else ""),
        )  # fmt: skip
    yield made
