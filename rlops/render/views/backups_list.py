"""The table of `rlops backups list`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from rlops.plan import Answer
from rlops.render.cells import number, size, table, when


def view(answer: Answer) -> Iterator[RenderableType]:
    """Each backup with its tables; a backup past the policy's age is marked."""
    if not answer.data["backups"]:
        return
    made = table("backup", "made (UTC)", "age", "state", "table", "rows", "size", title="Backups")
    for backup in answer.data["backups"]:
        age = Text(f"{backup['age_days']} days", "red" if backup["past_limit"] else "")
        for at, t in enumerate(backup["tables"]):
            first = (backup["id"], when(backup["created"]), age, backup["state"]) if at == 0 else ("", "", "", "")
            made.add_row(*first, t["table"], number(t["rows"], t["rows_estimated"]), "~" + size(t["bytes"]))
    yield made
