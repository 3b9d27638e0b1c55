"""rlops' own tables in the target: what was run, intent before and outcome after, and recorded facts."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rlops import __version__
from rlops.db import Damaged, Database, Forbidden, Row
from rlops.plan import Expect, Plan, Step
from rlops.sqlfiles import SqlFolder
from rlops.structure.model import literal

TICKET = 255  # characters that a run's and a backup's ticket has at most
TABLES = ("rlops_state", "rlops_backup", "rlops_run", "rlops_step", "rlops_job", "rlops_part", "rlops_snapshot")


@contextmanager
def _usable() -> Iterator[None]:
    """Says of a table of rlops' own that was altered or damaged what it is, and the way out."""
    try:
        yield
    except Damaged as error:
        raise Damaged(
            error.number,
            f"{error.text}. One of rlops' own tables is not as rlops made it",
            f"Put it back as it was ({', '.join(TABLES)}), or give the journal up: `rlops uninstall` removes them, the"
            " next `rlops migrate` makes them anew, and the three tables stay.",
        ) from error


@dataclass(frozen=True)
class Actor:
    """Who runs rlops, and where."""

    os_user: str
    host: str
    pid: int

    @classmethod
    def current(cls) -> Actor:
        """This process's user, host and pid."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            user = str(os.getuid())
        return cls(user, socket.gethostname(), os.getpid())


def existing(db: Database) -> set[str]:
    """Which of rlops' own tables are there. Needs no privilege beyond some right on them."""
    found = db.rows(
        "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME IN %s",
        (db.schema, TABLES),
    )
    return {row["name"].lower() for row in found}


def missing_steps(db: Database, sql: SqlFolder) -> tuple[Step, ...]:
    """The steps that create those of rlops' own tables that are missing, and columns that an older rlops made none of.

    The file of a table is named after it, that of a column after its table and itself: `065_rlops_part__only_column`.
    """
    have = existing(db)
    steps = []
    for file in sql.group("own"):
        table, _, column = file.key.split("_", 1)[1].partition("__")
        if column:
            there = _columns_named(db, table, column)
            if table in have and not db.value(there):
                expect = (Expect("query", table, there),)
                steps.append(Step(f"add {column} to {table} (rlops' own)", file.statement(), expect, own=True))
        elif table not in have:
            steps.append(Step(f"create {table} (rlops' own)", file.statement(), (Expect("table", table),), own=True))
    return tuple(steps)


def _columns_named(db: Database, table: str, column: str) -> str:
    return (
        "SELECT COUNT(*) AS n FROM information_schema.COLUMNS WHERE"
        f" TABLE_SCHEMA = {literal(db.schema)} AND TABLE_NAME = {literal(table)} AND COLUMN_NAME = {literal(column)}"
    )


@_usable()
def recorded(db: Database) -> Mapping[str, str]:
    """The recorded facts: `environment`, `installation_id`. Empty where rlops has never written."""
    if "rlops_state" not in existing(db):
        return {}
    return {row["name"]: row["value"] for row in db.rows("SELECT name, value FROM rlops_state")}


def record(db: Database, name: str, value: str) -> None:
    """Record a fact, in place of what was recorded before."""
    db.execute(
        "INSERT INTO rlops_state (name, value, updated_at) VALUES (%s, %s, UTC_TIMESTAMP(6))"
        " ON DUPLICATE KEY UPDATE value = VALUES(value), updated_at = VALUES(updated_at)",
        (name, value),
    )


def forget(db: Database, name: str) -> None:
    """Remove a recorded fact."""
    db.execute("DELETE FROM rlops_state WHERE name = %s", (name,))


class Journal:
    """Writes one run and its steps. Each write is its own transaction, but for watermarks."""

    @_usable()
    def __init__(self, db: Database, plan: Plan, actor: Actor, ticket: str | None) -> None:
        self.db = db
        db.execute(
            "INSERT INTO rlops_run (command, status, plan_hash, started_at, account, os_user, host, pid, connection_id,"
            " rlops_version, ticket) VALUES (%s, 'running', %s, UTC_TIMESTAMP(6), CURRENT_USER(), %s, %s, %s, %s, %s, %s)",
            (plan.command, plan.hash, actor.os_user, actor.host, actor.pid, db.connection_id, __version__, ticket),
        )
        self.run_id = int(db.value("SELECT LAST_INSERT_ID()"))

    @_usable()
    def intent(self, seq: int, step: Step) -> int:
        """Say what is about to be run; returns the step's id."""
        text = self.db.text(step.statement.sql, step.statement.values)
        self.db.execute(
            "INSERT INTO rlops_step (run_id, seq, name, file, sql_text, sql_hash, expect, status, started_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, 'intent', UTC_TIMESTAMP(6))",
            (
                self.run_id, seq, step.name, step.statement.file, text, hashlib.sha256(text.encode()).hexdigest(),
                json.dumps([asdict(expect) for expect in step.expect]),
            ),
        )  # fmt: skip
        return int(self.db.value("SELECT LAST_INSERT_ID()"))

    def outcome(self, step_id: int, status: str, rows: int | None = None, error: str | None = None) -> None:
        """Say what became of a step."""
        self.db.execute(
            "UPDATE rlops_step SET status = %s, affected_rows = COALESCE(%s, affected_rows), error = %s,"
            " finished_at = UTC_TIMESTAMP(6) WHERE id = %s",
            (status, rows, error, step_id),
        )

    def watermark(self, step_id: int, watermark: str, rows: int) -> None:
        """Note how far a long step has come; commits with the chunk, in the caller's transaction."""
        self.db.execute(
            "UPDATE rlops_step SET watermark = %s, affected_rows = %s WHERE id = %s", (watermark, rows, step_id)
        )

    def watermark_of(self, step_id: int) -> tuple[str, int] | None:
        """How far a long step has come: its position, and its rows."""
        row = self.db.row("SELECT watermark, affected_rows FROM rlops_step WHERE id = %s", (step_id,)) or {}
        return (row["watermark"], int(row["affected_rows"])) if row.get("watermark") is not None else None

    def reconnected(self) -> None:
        """Note the new connection after a lost one: it is what holds the run lock now."""
        self.db.execute("UPDATE rlops_run SET connection_id = %s WHERE id = %s", (self.db.connection_id, self.run_id))

    def finish(self, status: str, message: str) -> None:
        """Close the run."""
        self.db.execute(
            "UPDATE rlops_run SET status = %s, message = %s, finished_at = UTC_TIMESTAMP(6) WHERE id = %s",
            (status, message, self.run_id),
        )


@_usable()
def unfinished_steps(db: Database) -> list[Row]:
    """Steps whose outcome nobody wrote: their process died, or still runs."""
    if not {"rlops_run", "rlops_step"} <= existing(db):
        return []
    return db.rows(
        "SELECT s.id, s.run_id, s.seq, s.name, s.file, s.expect, s.watermark, r.command, r.os_user, r.host, r.pid,"
        " r.connection_id, s.started_at FROM rlops_step s JOIN rlops_run r ON r.id = s.run_id"
        " WHERE s.status = 'intent' ORDER BY s.id"
    )


@_usable()
def anything_open(db: Database) -> bool:
    """Whether there is a run that nobody closed, or a step whose outcome nobody wrote."""
    if not {"rlops_run", "rlops_step"} <= existing(db):
        return False
    return bool(db.value(
        "SELECT EXISTS (SELECT 1 FROM rlops_run WHERE status = 'running')"
        " OR EXISTS (SELECT 1 FROM rlops_step WHERE status = 'intent')"
    ))  # fmt: skip


def unclosed(db: Database) -> list[str]:
    """The commands of the runs that nobody closed: one is at work, or they died."""
    if "rlops_run" not in existing(db):
        return []
    return [
        str(row["command"]) for row in db.rows("SELECT command FROM rlops_run WHERE status = 'running' ORDER BY id")
    ]


def settle_step(db: Database, step_id: int, status: str) -> None:
    """Write the outcome of a step whose run died: done, undone, partly or unknown."""
    db.execute("UPDATE rlops_step SET status = %s, finished_at = UTC_TIMESTAMP(6) WHERE id = %s", (status, step_id))


def settle_runs(db: Database) -> None:
    """Close the runs that died. The caller holds the run lock, so none of them lives."""
    if "rlops_run" in existing(db):
        db.execute("UPDATE rlops_run SET status = 'died', finished_at = UTC_TIMESTAMP(6) WHERE status = 'running'")


def trim(db: Database, keep_days: int) -> None:
    """Forget runs older than `keep_days`, but for upgrades, whose text later runs are compared with."""
    old = "SELECT id FROM rlops_run WHERE started_at < UTC_TIMESTAMP(6) - INTERVAL %s DAY"
    db.execute(f"DELETE FROM rlops_step WHERE file NOT LIKE 'upgrade/%%' AND run_id IN ({old})", (keep_days,))
    unused = f"id IN (SELECT id FROM ({old}) AS old) AND id NOT IN (SELECT run_id FROM rlops_step)"
    db.execute(f"DELETE FROM rlops_run WHERE {unused}", (keep_days,))
    over = "state IN ('done', 'aborted') AND finished_at < UTC_TIMESTAMP(6) - INTERVAL %s DAY"
    db.execute(f"DELETE FROM rlops_job WHERE {over}", (keep_days,))


@_usable()
def runs(db: Database, limit: int) -> list[Row]:
    """The latest runs, newest first; empty where rlops has never written. Times are UTC."""
    if not {"rlops_run", "rlops_step"} <= existing(db):
        return []
    return db.rows(
        "SELECT r.id, r.command, r.status, r.started_at, r.finished_at, r.account, r.os_user, r.host, r.pid,"
        " r.connection_id, r.rlops_version, r.ticket, r.plan_hash, r.message,"
        " (SELECT COUNT(*) FROM rlops_step s WHERE s.run_id = r.id) AS steps,"
        " (SELECT COUNT(*) FROM rlops_step s WHERE s.run_id = r.id AND s.status = 'done') AS steps_done"
        " FROM rlops_run r ORDER BY r.id DESC LIMIT %s",
        (limit,),
    )


def last_rename(db: Database) -> datetime | None:
    """When rlops last put a table in another's place, UTC; None if never, or where the journal can't be read."""
    with suppress(Forbidden):
        if "rlops_run" in existing(db):
            sql = "SELECT MAX(started_at) AS at FROM rlops_run WHERE command IN ('restore', 'rollback') OR command LIKE 'partition%'"
            found: datetime | None = db.value(sql)
            return found
    return None


@_usable()
def last_move(db: Database, back: str, away: str) -> Row | None:
    """The last step by which tables got their names back or gave them up, by the two files; and whether of the latest run."""
    if not {"rlops_run", "rlops_step"} <= existing(db):
        return None
    return db.row(
        "SELECT file, sql_text, run_id = (SELECT MAX(id) FROM rlops_run) AS latest FROM rlops_step"
        " WHERE file = %s OR (file = %s AND status = 'done') ORDER BY id DESC LIMIT 1",
        (back, away),
    )


@_usable()
def applied_upgrades(db: Database) -> list[Row]:
    """The upgrade files that were applied here, with their text as it was."""
    if "rlops_step" not in existing(db):
        return []
    return db.rows(
        "SELECT run_id, file, sql_text FROM rlops_step WHERE file LIKE 'upgrade/%' AND status = 'done' ORDER BY id"
    )


@_usable()
def steps_of(db: Database, run_id: int) -> list[dict[str, Any]]:
    """The steps of one run, in their order. Times are UTC."""
    return db.rows(
        "SELECT seq, name, file, status, affected_rows, watermark, started_at, finished_at, error, sql_text, sql_hash"
        " FROM rlops_step WHERE run_id = %s ORDER BY seq, id",
        (run_id,),
    )
