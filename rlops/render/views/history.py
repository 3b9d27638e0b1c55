"""The tables of `rlops history`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import number, table, when


def view(answer: Answer) -> Iterator[RenderableType]:
    """Runs, and the statements of one."""
    if answer.data["runs"]:
        runs = table("run", "command", "status", "started (UTC)", "steps", "by", "ticket", title="Runs")
        for r in answer.data["runs"]:
            by = f"{r['os_user']}@{r['host']} as {r['account']}"
            steps = f"{r['steps_done']}/{r['steps']}"
            runs.add_row(str(r["id"]), r["command"], r["status"], when(r["started_at"]), steps, by, r["ticket"] or "")
        yield runs
    if answer.data["steps"]:
        steps_table = table("#", "step", "status", "rows", "statement", title="Steps")
        for s in answer.data["steps"]:
            steps_table.add_row(str(s["seq"]), s["name"], s["status"], number(s["affected_rows"]), s["sql_text"])
        yield steps_table
