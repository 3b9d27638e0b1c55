"""The rollout is undone after a day of traffic: are the rows still somewhere?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .. import load
from ..servers import TABLES, Place, Schema
from ..tools import Project
from .projects import each, tally
from .verdict import NO, NONE, YES, Outcome, told

TITLE = "The rollout is undone when the tables have rows"
ASKED = "undo: the rows are kept"
ROWS = 5_000
NOTES = [f"{ROWS} interactions, one model and a hundred feature rows were in the tables. Nobody was asked anything."]


def outcomes(server: Place, folder: Path) -> Iterator[Outcome]:
    for schema, project in each(server, folder):
        project.run(project.apply).checked(project.tool)
        load.fill(schema, ROWS, expired=0)
        load.fill_others(schema)
        before = {table: schema.count(table) for table in TABLES}
        yield _skeema(schema, project) if project.tool == "Skeema" else _outcome(schema, project, before)


def _outcome(schema: Schema, project: Project, before: dict[str, int]) -> Outcome:
    undone = project.run(project.undo, 60)
    kept = _kept(schema)
    text = f"{told(undone)}; {sum(kept.values()):,} of {sum(before.values()):,} rows are kept."
    good = undone.code == 0 and kept == before and not schema.tables()
    if project.tool == "rlops":
        command = tuple("restore" if word == "rollback" else word for word in project.undo)
        back = project.run(command, 60)
        there = schema.tables() == list(TABLES) and {table: schema.count(table) for table in TABLES} == before
        text += f" Way back: {told(back)}; {'all' if there else 'NOT all'} rows are in their tables."
        good = good and there
    return Outcome(ASKED, project.tool, YES if good else NO, text)


def _kept(schema: Schema) -> dict[str, int]:
    """The rows of each table, wherever a table of its name or with its name in it holds them."""
    names = schema.column("SHOW TABLES")
    return {table: sum(schema.count(name) for name in names if table in name) for table in TABLES}


def _skeema(schema: Schema, project: Project) -> Outcome:
    for table in TABLES:
        (project.file.parent / f"{table}.sql").unlink()
    pushed = project.run(project.apply, 60)
    return Outcome(
        ASKED,
        project.tool,
        NONE,
        f"It has no undo. A push without the files: {told(pushed)}; {tally(schema)} are left.",
    )
