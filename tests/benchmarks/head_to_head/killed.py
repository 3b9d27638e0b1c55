"""The tool is killed (-9) as soon as the first table is there; is running the same command again enough?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from .. import tools
from ..measure import Sample
from ..servers import TABLES, Place, Schema
from ..tools import Project
from .projects import SPLIT, right, tally
from .verdict import NO, NONE, YES, Outcome, told

TITLE = "kill -9 as soon as the first table is there, then the same command again"
ASKED = "kill -9: a rerun is enough"
PATIENCE = 25.0  # seconds that the rerun may take
TRIES = 8
NOTES = [
    "What a tool had sent when it was killed is still carried out by the server; the tables are counted after that.",
    f"A rerun that hasn't ended after {PATIENCE:g} s is killed too.",
]


def outcomes(server: Place, folder: Path) -> Iterator[Outcome]:
    for name in SPLIT:
        for attempt in range(TRIES):
            schema = server.schema()
            try:
                project = tools.all_of(schema, folder / str(attempt), name)
                if project is None:
                    break
                if outcome := _outcome(server, schema, project):
                    yield outcome
                    break
            finally:
                server.drop(schema)
        else:
            yield Outcome(ASKED, name, NONE, f"It ended {TRIES} times before it could be killed.")


def _outcome(server: Place, schema: Schema, project: Project) -> Outcome | None:
    if not _killed(schema, project):
        return None
    left = tally(schema)
    again = project.run(project.apply, PATIENCE)
    good = again.code == 0 and right(server, schema)
    text = f"Killed; {left} were there then. Rerun: {_told(again)}; {tally(schema)}."
    return Outcome(ASKED, project.tool, YES if good else NO, text)


def _told(again: Sample) -> str:
    return (
        told(again)
        if again.code is not None
        else f"still waiting after {PATIENCE:g} s, {told(again).partition(', ')[2]}"
    )


def _killed(schema: Schema, project: Project) -> bool:
    """Whether it could be killed, with the first table there. What it had sent by then is waited for."""
    connection = schema.connect()
    with connection, connection.cursor() as cursor, project.begin(project.apply) as running:
        while not running.ended():
            if cursor.execute(f"SHOW TABLES LIKE '{TABLES[0]}'"):
                running.kill()
                running.finish(10)
                break
            time.sleep(0.001)
        deadline = time.monotonic() + 10
        busy = "SELECT 1 FROM information_schema.PROCESSLIST WHERE db = %s AND command <> 'Sleep' AND id <> CONNECTION_ID()"
        while cursor.execute(busy, (schema.name,)) and time.monotonic() < deadline:
            time.sleep(0.05)
    return running.process.returncode == -9
