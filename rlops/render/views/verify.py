"""The tables of `rlops verify`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from rlops.plan import Answer
from rlops.render.cells import findings, number, table, when


def view(answer: Answer) -> Iterator[RenderableType]:
    """What was seen of each table, the trials, and the findings."""
    seen = table("table", "structure", "rows", "created (UTC)", "collation", title="Tables")
    for t in answer.data["tables"]:
        if not t["exists"]:
            seen.add_row(t["name"], Text("absent", "red"), "", "", "")
            continue
        mark = Text("as declared", "green") if t["as_declared"] else Text("differs", "red")
        seen.add_row(
            t["name"], mark, number(t["rows"], bool(t["rows_estimated"])), when(t["created"]), t["collation"] or ""
        )
    yield seen
    if answer.data["smoke"]:
        trials = table("trial row (rolled back)", "expected", "actual", title="Smoke test")
        for t in answer.data["smoke"]:
            trials.add_row(t["name"], t["expected"], Text(t["actual"], "green" if t["ok"] else "red"))
        yield trials
    rows = answer.data.get("data")
    names = {check["check"] for check in rows["checks"]} if rows else set()
    yield from findings([finding for finding in answer.data["findings"] if finding["check"] not in names])
    if rows:
        yield from _rows(rows, [finding for finding in answer.data["findings"] if finding["check"] in names])


def _rows(rows: Mapping[str, Any], found: Sequence[Mapping[str, str]]) -> Iterator[RenderableType]:
    """What was looked at, the checks with their results, and the findings with the SELECT that shows the rows."""
    title = f"Data: {rows['checked_rows']:,} rows{'' if rows['complete'] else ', not all'}, {rows['seconds']:.1f} s"
    checks = table("looked at", "checks", "result", title=title)
    for place in dict.fromkeys(check["object"] for check in rows["checks"]):
        here = [check for check in rows["checks"] if check["object"] == place]
        problems = [check for check in here if check["status"] != "ok"]
        colour = "red" if any(check["findings"] for check in here) else "yellow" if problems else "green"
        result = ", ".join(f"{check['check']}: {check['status']}" for check in problems)
        checks.add_row(place, ", ".join(check["check"] for check in here), Text(result or "ok", colour))
    yield checks
    if not found:
        return
    made = table("check", "object", "expected", "actual", title="Findings in the data")
    for finding in found:
        made.add_row(finding["check"], finding["object"], finding["expected"], Text(finding["actual"], "red"))
    yield made
    yield Text("What shows the rows:", "bold")
    yield from (Text(f"  {finding['hint']}") for finding in found)
