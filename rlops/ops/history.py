"""What rlops did in this schema, read from its journal."""

from __future__ import annotations

from rlops import journal
from rlops.db import Database
from rlops.errors import Usage
from rlops.plan import Answer


def history(db: Database, run: int | None, limit: int) -> Answer:
    """The latest runs, newest first, or one run with its statements. Times are UTC.

    Raises Usage when there is no run of that number.
    """
    runs = journal.runs(db, limit) if run is None else [r for r in journal.runs(db, 1_000_000) if r["id"] == run]
    if run is not None and not runs:
        raise Usage(f"the journal has no run {run}", "`rlops history` lists those that it has.", "no_such_run")
    data = {"runs": runs, "steps": journal.steps_of(db, run) if run is not None else []}
    return Answer("history", data=data, headline="" if runs else f"rlops has written nothing to {db.schema} yet.")
