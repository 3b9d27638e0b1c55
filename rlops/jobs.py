"""Long work that outlives a run: what it is, how far it has come, and what somebody wants of it, from any host.

A job is a row of rlops_job. One run at a time carries it out, under the run lock; another goes on where that one stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rlops import journal, lock
from rlops.db import Database, Row
from rlops.errors import Refused, Usage
from rlops.plan import Order

State = Literal["running", "paused", "interrupted", "done", "aborted"]

TABLE = "rlops_job"
OPEN: tuple[State, ...] = ("running", "paused", "interrupted")

_COLUMNS = (
    "j.id, j.kind, j.subject, j.parameters, j.command, j.policy_hash, j.state, j.request, j.requested_by, j.run_id,"
    " j.done_rows, j.total_rows, j.watermark, j.waiting, j.started_at, j.updated_at, j.finished_at,"
    " r.status AS run_status, r.os_user, r.host, r.pid, r.connection_id, r.account"
)
_FROM = "FROM rlops_job j LEFT JOIN rlops_run r ON r.id = j.run_id"


@dataclass(frozen=True)
class Job:
    """A job as it was last read. `rows` are those of all its runs, `watermark` what a Work gave as its position."""

    id: int
    kind: str
    subject: str
    parameters: Mapping[str, Any]
    command: str
    policy: str
    rows: int
    total: int | None
    watermark: Any


def unfinished(db: Database, kind: str, policy: str, subject: str = "") -> Job | None:
    """The open job of that kind and subject, which a new run goes on with.

    Raises Refused when it was begun under another policy.
    """
    if TABLE not in journal.existing(db):
        return None
    row = db.row(
        "SELECT id, kind, subject, parameters, command, policy_hash, done_rows, total_rows, watermark FROM rlops_job"
        " WHERE kind = %s AND subject = %s AND state IN %s ORDER BY id DESC LIMIT 1",
        (kind, subject, OPEN),
    )
    if row is None:
        return None
    job = _job(row)
    if job.policy != policy:
        raise Refused(
            f"job {job.id} ({job.kind}) was begun under another policy than the one in use now, and is not finished"
            f" ({job.rows:,} rows are done). Nothing was changed",
            f"Put the policy back as it was, or give the job up with `rlops jobs abort {job.id}` and begin anew.",
            "policy_changed",
        )
    return job


def _job(row: Row) -> Job:
    mark = row["watermark"]
    return Job(
        int(row["id"]), row["kind"], row["subject"], json.loads(row["parameters"]), row["command"], row["policy_hash"],
        int(row["done_rows"]), row["total_rows"], None if mark is None else json.loads(mark),
    )  # fmt: skip


class Running:
    """A job that this run carries out. Each write is its own transaction, but for watermarks."""

    def __init__(self, db: Database, order: Order, run_id: int, left: int | None) -> None:
        """Go on with the open job of that kind and subject, or begin one. `left` is an estimate of the rows to come."""
        self.db = db
        found = unfinished(db, order.kind, order.policy, order.subject)
        self.resumed = found is not None
        self.job = self._taken_over(found, run_id, left) if found else self._begun(order, run_id, left)

    def _begun(self, order: Order, run_id: int, left: int | None) -> Job:
        self.db.execute(
            "INSERT INTO rlops_job (kind, subject, parameters, command, policy_hash, state, run_id, done_rows, total_rows,"
            " started_at, updated_at) VALUES (%s, %s, %s, %s, %s, 'running', %s, 0, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))",
            (
                order.kind, order.subject, json.dumps(dict(order.parameters)), order.command, order.policy, run_id, left,
            ),
        )  # fmt: skip
        number = int(self.db.value("SELECT LAST_INSERT_ID()"))
        return Job(number, order.kind, order.subject, order.parameters, order.command, order.policy, 0, left, None)

    def _taken_over(self, job: Job, run_id: int, left: int | None) -> Job:
        total = None if left is None else job.rows + left
        self.db.execute(
            "UPDATE rlops_job SET state = 'running', run_id = %s, total_rows = %s, waiting = NULL,"
            " updated_at = UTC_TIMESTAMP(6) WHERE id = %s",
            (run_id, total, job.id),
        )
        return Job(
            job.id, job.kind, job.subject, job.parameters, job.command, job.policy, job.rows, total, job.watermark
        )

    def watermark(self, position: Any, rows: int, *, done: bool) -> None:
        """Note how far it has come, in the chunk's transaction, in which the last chunk also closes the job."""
        self.db.execute(
            "UPDATE rlops_job SET watermark = %s, done_rows = %s, waiting = NULL, state = %s,"
            " updated_at = UTC_TIMESTAMP(6), finished_at = IF(%s, UTC_TIMESTAMP(6), NULL) WHERE id = %s",
            (json.dumps(position), rows, "done" if done else "running", done, self.job.id),
        )

    def request(self) -> tuple[str | None, str]:
        """What somebody wants of it, "pause" or "abort", and who."""
        row = self.db.row("SELECT request, requested_by FROM rlops_job WHERE id = %s", (self.job.id,))
        if row is None:
            return "abort", "somebody who removed its row"
        return row["request"], row["requested_by"] or "somebody"

    def waiting(self, reason: str | None, state: State) -> None:
        """Note why it waits, for those who look from elsewhere; None when it doesn't any more."""
        self.db.execute(
            "UPDATE rlops_job SET waiting = %s, state = %s, updated_at = UTC_TIMESTAMP(6) WHERE id = %s",
            (reason and reason[:255], state, self.job.id),
        )

    def close(self, state: State) -> None:
        """Say how this run leaves it: interrupted, or aborted."""
        finished = "UTC_TIMESTAMP(6)" if state == "aborted" else "NULL"
        self.db.execute(
            f"UPDATE rlops_job SET state = %s, waiting = NULL, finished_at = {finished} WHERE id = %s AND state <> 'done'",
            (state, self.job.id),
        )


def settle(db: Database) -> None:
    """Call the jobs whose run died interrupted. The caller holds the run lock, so none of them lives."""
    if TABLE in journal.existing(db):
        db.execute("UPDATE rlops_job SET state = 'interrupted', waiting = NULL WHERE state IN ('running', 'paused')")


def done_by(db: Database, run_id: int) -> bool:
    """Whether that run finished a job."""
    if TABLE not in journal.existing(db):
        return False
    return bool(db.value("SELECT COUNT(*) FROM rlops_job WHERE run_id = %s AND state = 'done'", (run_id,)))


def listed(db: Database, limit: int) -> list[Row]:
    """The open jobs and the latest others, newest first, each as it is: a dead run's job is interrupted. Times are UTC."""
    if TABLE not in journal.existing(db):
        return []
    rows = db.rows(f"SELECT {_COLUMNS} {_FROM} ORDER BY j.state IN %s DESC, j.id DESC LIMIT %s", (OPEN, limit))
    return [_shown(db, row) for row in rows]


def is_open(db: Database, *kinds: str) -> bool:
    """Whether a job of one of these kinds is not over."""
    return any(row["kind"] in kinds and row["state"] in OPEN for row in listed(db, 1000))


def one(db: Database, number: int | None, wanted: tuple[State, ...] = OPEN) -> Row:
    """The job of that number, or the only one in one of these states. Raises Usage when there is no such one."""
    rows = [] if TABLE not in journal.existing(db) else [
        _shown(db, row)
        for row in db.rows(f"SELECT {_COLUMNS} {_FROM} WHERE j.state IN %s OR j.id = %s ORDER BY j.id", (OPEN, number))
    ]  # fmt: skip
    if number is not None:
        found = [row for row in rows if row["id"] == number]
        problem = f"there is no job {number} in {db.schema}"
    else:
        found = [row for row in rows if row["state"] in wanted]
        problem = f"no job in {db.schema} is {' or '.join(wanted)}"
        if len(found) > 1:
            problem = f"several jobs are {' or '.join(wanted)}: {', '.join(str(row['id']) for row in found)}; name one"
    if len(found) != 1:
        raise Usage(problem, "`rlops jobs list` shows them.", "no_such_job")
    return found[0]


def ask(db: Database, number: int, request: str | None, who: str) -> bool:
    """Ask the run that carries out the job to pause or to abort, or ask nothing of it any more.

    False when the job was over by then.
    """
    with db.transaction():
        if db.row("SELECT id FROM rlops_job WHERE id = %s AND state IN %s FOR UPDATE", (number, OPEN)) is None:
            return False
        db.execute(
            "UPDATE rlops_job SET request = %s, requested_by = %s WHERE id = %s",
            (request, who[:512] if request else None, number),
        )
    return True


def give_up(db: Database, number: int, who: str) -> None:
    """Close a job that no run carries out. A run that takes it over at this very moment finds the request."""
    db.execute(
        "UPDATE rlops_job SET state = 'aborted', request = 'abort', requested_by = %s, finished_at = UTC_TIMESTAMP(6)"
        " WHERE id = %s AND state IN %s",
        (who[:512], number, OPEN),
    )


def _shown(db: Database, row: Row) -> Row:
    if row["state"] in ("running", "paused") and not _lives(db, row):
        row = {**row, "state": "interrupted", "waiting": None}
    return {**row, "parameters": json.loads(row["parameters"])}


def _lives(db: Database, row: Row) -> bool:
    """Whether its run is at work: it has not ended by its own word, and its connection holds the run lock."""
    return bool(row["run_status"] == "running" and lock.holder(db) == row["connection_id"])
