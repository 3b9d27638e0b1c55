"""What `rlops sandbox start` and `rlops sandbox status` show of a server."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import table


def view(answer: Answer) -> Iterator[RenderableType]:
    """Where the server is, and how another client gets there."""
    data = answer.data
    if "socket" not in data:
        return
    shown = table("sandbox", "")
    for name in ("engine", "running", "socket", "user", "database", "directory", "pid"):
        value = data[name]
        shown.add_row(
            name, {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
        )
    if data["running"]:
        shown.add_row("mysql client", f"mysql --socket={data['socket']} --user={data['user']} {data['database']}")
    yield shown
