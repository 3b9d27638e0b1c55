"""What `rlops demo` shows: its announcements, and the summary."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from rlops.plan import Answer
from rlops.render.cells import number, table


def announcement(command: str, why: str) -> Text:
    """A command as it would be typed, and one sentence on why."""
    return Text.assemble("\n", (f"# {why}\n", "dim"), (f"$ {command}", "bold"))


def view(answer: Answer) -> Iterator[RenderableType]:
    """Each command, its exit code and its seconds."""
    data = answer.data
    summary = table("command", "exit code", "seconds", title=f"\nThe demo on {data['server']}")
    for played in data["played"]:
        summary.add_row(played["command"], str(played["exit_code"]), number(float(played["seconds"])))
    summary.add_section()
    summary.add_row("", "", number(float(data["seconds"])))
    yield summary
