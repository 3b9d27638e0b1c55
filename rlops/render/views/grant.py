"""The tables of `rlops grant`."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from rlops.plan import Answer
from rlops.render.cells import table


def view(answer: Answer) -> Iterator[RenderableType]:
    """What the account holds on each table, and the findings of --check."""
    if answer.dry_run:
        return
    if "password" in answer.data:
        yield Text(f"The password of {answer.data['account']}, shown this once: {answer.data['password']}", "bold")
    if answer.data.get("tables"):
        held = table("table", "held by a grant on it", "missing", title=f"Grants of {answer.data['account']}")
        for each in answer.data["tables"]:
            held.add_row(each["table"], ", ".join(each["held"]), ", ".join(each["missing"]))
        yield held
    if answer.data.get("findings"):
        findings = table("check", "object", "expected", "actual", "mend it with", title="Findings")
        for each in answer.data["findings"]:
            findings.add_row(each["check"], each["object"], each["expected"], each["actual"], each["hint"])
        yield findings
