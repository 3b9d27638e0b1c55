"""Settles what an earlier run left open in the journal, by looking at the live schema and the process list."""

from __future__ import annotations

import json

from rlops import facts, jobs, journal, lock
from rlops.db import Database, Row
from rlops.errors import Blocked
from rlops.plan import Expect


def settle(db: Database) -> list[str]:
    """Write the outcome of every step whose run died, and say what was found. The caller holds the run lock.

    Raises Blocked when the server is still running such a step.
    """
    said = []
    for step in journal.unfinished_steps(db):
        who = (
            f"`rlops {step['command']}` of {step['os_user']}@{step['host']} (run {step['run_id']}) ended without a word"
        )
        if _still_running(db, step):
            raise Blocked(
                f"{who}, and the server is still running its step {step['seq']} ({step['name']}) in connection"
                f" {step['connection_id']}",
                "Wait until it has ended, then type the same command again.",
                "still_running",
            )
        status = _outcome(db, step)
        journal.settle_step(db, step["id"], status)
        said.append(f"{who}; its step {step['seq']} ({step['name']}) was {WORDS[status]}")
    journal.settle_runs(db)
    jobs.settle(db)
    return said


WORDS = {
    "done": "carried out",
    "undone": "not carried out",
    "partly": "carried out in part; every chunk of it is whole",
    "unknown": "left open",
}


def _outcome(db: Database, step: Row) -> str:
    if step["watermark"] is not None:
        return "done" if jobs.done_by(db, step["run_id"]) else "partly"
    try:
        expected = [Expect(**expect) for expect in json.loads(step["expect"])]
    except (ValueError, TypeError):
        return "unknown"  # another version of rlops wrote it
    if not expected:
        return "unknown"
    return "done" if all(facts.holds(db, expect) for expect in expected) else "undone"


def _still_running(db: Database, step: Row) -> bool:
    if db.lease and not db.lease.from_here:
        return False  # its connection was another node's
    # A connection's number is given again after a restart of the server.
    uptime = int((db.row("SHOW GLOBAL STATUS LIKE 'Uptime'") or {"Value": 0})["Value"])
    age = int(db.value("SELECT TIMESTAMPDIFF(SECOND, %s, UTC_TIMESTAMP(6))", (step["started_at"],)))
    return age <= uptime and step["connection_id"] != db.connection_id and lock.is_busy(db, step["connection_id"])
