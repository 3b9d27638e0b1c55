"""Look at long work, and ask it to pause, to go on or to give up, from any host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rlops import jobs
from rlops.db import Database, Row
from rlops.errors import Exit, Refused
from rlops.journal import Actor
from rlops.plan import Answer, StepResult
from rlops.words import counted

ALIVE: tuple[jobs.State, ...] = ("running", "paused")


def listed(db: Database, limit: int) -> Answer:
    """The open jobs and the latest others, newest first."""
    rows = jobs.listed(db, limit)
    headline = "" if rows else f"No long work was ever begun in {db.schema}."
    waits = next((row["command"] for row in rows if row["state"] == "interrupted"), "")
    return Answer("jobs list", data={"jobs": [_fields(row) for row in rows]}, headline=headline, next=waits)


def pause(db: Database, number: int | None, *, dry_run: bool) -> Answer:
    """Let a running job wait before its next chunk. Raises Usage when there is no such job, Refused when it doesn't run."""
    row = jobs.one(db, number, ALIVE)
    if row["state"] not in ALIVE:
        raise Refused(
            f"job {row['id']} is {row['state']}: there is no run to pause. Nothing was changed",
            "`rlops jobs list` shows what runs.",
            "not_running",
        )
    _ask(db, row, "pause", dry_run)
    return _answer(
        "pause", row, dry_run, f"Job {row['id']} waits before its next chunk.", f"rlops jobs resume {row['id']}"
    )


def resume(db: Database, number: int | None, *, dry_run: bool) -> Answer:
    """Let a paused job go on; of an interrupted one, say which command goes on with it (exit 3).

    Raises Usage when there is no such job, Refused when it is over.
    """
    row = jobs.one(db, number)
    if row["state"] not in jobs.OPEN:
        raise _over(row)
    if row["request"] != "abort":
        _ask(db, row, None, dry_run)
    if row["state"] in ALIVE:
        return _answer("resume", row, dry_run, f"Job {row['id']} goes on.")
    answer = _answer("resume", row, dry_run, f"Job {row['id']} is interrupted: no run is at work.", row["command"])
    return answer if dry_run else replace(answer, exit=Exit.FINDINGS)


def abort(db: Database, number: int | None, *, dry_run: bool) -> Answer:
    """Give a job up: a running one ends after its chunk, an interrupted one is closed. What is done stays done.

    Raises Usage when there is no such job, Refused when it is over.
    """
    row = jobs.one(db, number)
    if row["state"] not in jobs.OPEN:
        raise _over(row)
    if row["state"] in ALIVE:
        _ask(db, row, "abort", dry_run)
        return _answer("abort", row, dry_run, f"Job {row['id']} ends after the chunk that is under way.")
    if not dry_run:
        jobs.give_up(db, row["id"], _who())
    told = f"Job {row['id']} is given up; what it has done stays done: {counted(row['done_rows'], 'row')}."
    return _answer("abort", row, dry_run, told)


def _ask(db: Database, row: Row, request: str | None, dry_run: bool) -> None:
    if not dry_run and not jobs.ask(db, row["id"], request, _who()):
        raise _over({**row, "state": "over by now"})


def _who() -> str:
    actor = Actor.current()
    return f"{actor.os_user}@{actor.host}"


def _over(row: Row) -> Refused:
    return Refused(
        f"job {row['id']} is {row['state']}. Nothing was changed", "`rlops jobs list` shows the jobs.", "job_over"
    )


def _answer(what: str, row: Row, dry_run: bool, headline: str, following: str = "") -> Answer:
    data = {"jobs": [_fields(row)]}
    if dry_run:
        step = StepResult(f"{what} job {row['id']}, which is {row['state']}", "", "planned")
        return Answer(f"jobs {what}", data=data, steps=(step,), dry_run=True)
    return Answer(f"jobs {what}", data=data, headline=headline, next=following)


def _fields(row: Row) -> Mapping[str, Any]:
    """A job for JSON; `total_rows` is an estimate, `run` and who is behind it are those of its last run."""
    return {
        "id": row["id"], "kind": row["kind"], "subject": row["subject"], "state": row["state"], "command": row["command"],
        "parameters": row["parameters"], "policy_hash": row["policy_hash"],
        "rows": row["done_rows"], "total_rows": row["total_rows"], "watermark": row["watermark"],
        "waiting": row["waiting"], "request": row["request"], "requested_by": row["requested_by"],
        "run": row["run_id"], "os_user": row["os_user"], "host": row["host"], "pid": row["pid"],
        "connection_id": row["connection_id"], "account": row["account"],
        "started_at": row["started_at"], "updated_at": row["updated_at"], "finished_at": row["finished_at"],
    }  # fmt: skip
