"""What each tool does when a rollout goes wrong: every case is really run, with every tool, on one server.

A case is a module with a TITLE and a function `outcomes(place, folder)`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pymysql

from rlops.errors import RlopsError

from ..options import Options
from ..report import Table, say
from ..servers import place
from .verdict import MARKS, Outcome

CASES = ("half_failed", "killed", "parallel", "blocked", "drift", "edited", "undo")
TOOLS = ("rlops", "dbmate", "Liquibase", "Skeema")


def measure(options: Options) -> Iterator[Table]:
    """One table a case, then who does what."""
    summary = Table("Who does what", ("case", *TOOLS))
    with place(options.engine) as server:
        for name in CASES:
            case = importlib.import_module(f".{name}", __package__)
            say(f"   {name}")
            found, problem = _collected(case.outcomes(server, options.folder / name))
            yield _case(f"{case.TITLE} ({server.engine})", found, [*case.NOTES, *problem])
            for asked in dict.fromkeys(outcome.asked for outcome in found):
                summary.add(asked, *(_mark(found, asked, tool) for tool in TOOLS))
    summary.notes.append(" · ".join(f"{mark}: {meaning}" for mark, meaning in MARKS.items()))
    yield summary


def _collected(outcomes: Iterator[Outcome]) -> tuple[list[Outcome], list[str]]:
    """What a case found until it ended or broke, and a line that says why it broke."""
    found: list[Outcome] = []
    try:
        for outcome in outcomes:
            found.append(outcome)
    except (RlopsError, RuntimeError, pymysql.Error, AssertionError) as error:
        say(f"!!! the case broke: {error}")
        return found, [f"INCOMPLETE: {str(error).splitlines()[0]}"]
    return found, []


def _case(title: str, found: list[Outcome], notes: list[str]) -> Table:
    several = len({outcome.asked for outcome in found}) > 1
    table = Table(title, (*(("case",) if several else ()), "tool", "", "what happened"), notes=list(notes))
    order = list(dict.fromkeys(outcome.asked for outcome in found))
    for outcome in sorted(found, key=lambda outcome: order.index(outcome.asked)):
        table.add(*((outcome.asked,) if several else ()), outcome.tool, outcome.mark, outcome.text)
    return table


def _mark(found: list[Outcome], asked: str, tool: str) -> str:
    marks = {o.tool: o.mark for o in found if o.asked == asked and o.tool.partition(",")[0] == tool}
    if len(set(marks.values())) <= 1:
        return next(iter(marks.values()), "not here")
    return "; ".join(f"{mark}{name.removeprefix(tool).replace(',', ' if')}" for name, mark in marks.items())
