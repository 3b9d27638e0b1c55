"""A transaction sits idle after reading `users`, while the shop goes on reading it. What does the rollout do to them?"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..measure import Running
from ..servers import Place, Schema
from ..tools import Project
from ..traffic import Reader
from .projects import each, idle_reader, tally, waits_for_metadata
from .verdict import NO, YES, Outcome, told

TITLE = "The tables are created while an idle transaction has read `users`, and the shop reads on"
ASKED = "blocked DDL: it gives up by itself"
ASKED_NAME = "blocked DDL: it names who blocks"
START_FOR, HELD_FOR = 40.0, 12.0  # seconds: until it waits, and from then on until the blocker goes
RETRY_FOR = "5"  # seconds; rlops' own default is 30
READERS = 4
NOTES = [
    f"The idle transaction is ended {HELD_FOR:g} s after the tool began to wait, so one that waits longer is not seen to give up;"
    f" rlops runs with --retry-for {RETRY_FOR}.",
    "Stall: the longest that one `SELECT … FROM users WHERE id = …` of four readers took.",
]


def outcomes(server: Place, folder: Path) -> Iterator[Outcome]:
    for schema, project in each(server, folder):
        with idle_reader(schema) as blocker, ExitStack() as stack:
            readers = [stack.enter_context(Reader(schema)) for _ in range(READERS)]
            yield from _outcomes(schema, project, blocker, readers)


def _outcomes(schema: Schema, project: Project, blocker: Any, readers: list[Reader]) -> Iterator[Outcome]:
    more = ("--retry-for", RETRY_FOR) if project.tool == "rlops" else ()
    with project.begin((*project.apply, *more)) as running:
        waited = _wait(schema, running)
        by_itself, thread, left = running.ended(), blocker.thread_id(), tally(schema)
        blocker.rollback()
        sample = running.finish(60)
    stall = max(reader.longest() for reader in readers)
    if waited is None and sample.code == 0:
        yield Outcome(ASKED, project.tool, YES, f"It was not blocked: {told(sample)}; longest stall {stall:.1f} s.")
        return
    ended = "It gave up by itself" if by_itself else "It was still waiting"
    after = (
        f"{sample.wall:.1f} s, in none of which it waited for a lock"
        if waited is None
        else f"{waited:.1f} s of waiting"
    )
    text = f"{ended} after {after}, with {left}; longest stall of a reader {stall:.1f} s; {told(sample)}."
    yield Outcome(ASKED, project.tool, YES if by_itself else NO, text)
    named = re.search(rf"(?<![.\d]){thread}(?![.\d])", sample.output)
    text = f"The blocker's connection, {thread}, is{'' if named else ' not'} in its words."
    yield Outcome(ASKED_NAME, project.tool, YES if named else NO, text)


def _wait(schema: Schema, running: Running) -> float | None:
    """Seconds from its first waiting to its end, or to the end of our patience; None if it never waited."""
    first: float | None = None
    deadline = time.monotonic() + START_FOR
    while not running.ended() and time.monotonic() < deadline:
        if first is None and waits_for_metadata(schema):
            first = time.monotonic()
            deadline = first + HELD_FOR
        time.sleep(0.02)
    return None if first is None else time.monotonic() - first
