"""The run lock: one writing rlops run at a time for each schema, free again when its holder is gone."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rlops import privileges
from rlops.db import Conflict, Database, LockWait, Lost, Row, ServerError, TimedOut
from rlops.errors import Blocked
from rlops.events import Emit, Waiting, silent

MAINTENANCE = "maintenance of "
IDLE = 7 * 86_400  # seconds that a connection which only holds a lock may be silent


def lock_name(schema: str, what: str = "") -> str:
    """The lock's name. Hashed, since MySQL refuses names over 64 characters and folds their case."""
    return "rlops:" + hashlib.sha256(f"{what}{schema}".encode()).hexdigest()[:32]


@contextmanager
def maintenance_lock(db: Database) -> Iterator[None]:
    """Hold the lock of `rlops maintain` inside the block; each of its parts takes the run lock beside it.

    Raises Blocked when another maintenance has it.
    """
    name = lock_name(db.schema, MAINTENANCE)
    db.execute(f"SET SESSION wait_timeout = {IDLE}")
    holder = _take(db, name)
    if holder is not None:
        raise Blocked(
            f"another `rlops maintain` is at work on {db.schema}: {_describe(db, holder)}. Nothing was changed",
            "It does the same work: look with `rlops jobs list` and `rlops history`.",
            "maintenance_lock",
        )
    try:
        yield
    finally:
        with suppress(ServerError):
            release(db, name)


@contextmanager
def run_lock(db: Database, retry_for: float = 0.0, emit: Emit = silent) -> Iterator[None]:
    """Hold the run lock inside the block, on the very connection that writes: losing one loses the other.

    Waits up to `retry_for` seconds while the holder is a run whose process is gone and whose last statement the
    server has not finished. Raises Blocked, with the holder's name, when another run has it.
    """
    deadline = time.monotonic() + retry_for
    name = lock_name(db.schema)
    while (holder := _take(db, name)) is not None:
        orphan = _is_orphan(db, holder)
        if not orphan or time.monotonic() >= deadline:
            raise _held(db, holder, orphan=orphan)
        emit(Waiting(f"the server is still running the last statement of a run that is gone (connection {holder})"))
        time.sleep(0.2)
    try:
        yield
    finally:
        with suppress(ServerError):
            release(db, name)


def acquire(db: Database) -> None:
    """Take the lock, or raise Blocked at once."""
    holder = _take(db, lock_name(db.schema))
    if holder is not None:
        raise _held(db, holder)


def _take(db: Database, name: str) -> int | None:
    """Take the lock; returns its holder's connection when that is another."""
    return _acquire_lease(db, name) if db.engine.can.run_lock == "lease" else _acquire_get_lock(db, name)


def _held(db: Database, holder: int, *, orphan: bool = False) -> Blocked:
    gone = "; its process is gone, and the server is still running its last statement" if orphan else ""
    return Blocked(
        f"another rlops run is writing to {db.schema}: {_describe(db, holder)}{gone}. Nothing was changed",
        "Wait until it has ended, or look at it with `rlops history`.",
        "run_lock",
    )


def _is_orphan(db: Database, holder: int) -> bool:
    """Whether the holder's process ran on this machine and is gone."""
    row = _run_of(db, holder)
    if not row or row["host"] != socket.gethostname():
        return False
    try:
        os.kill(int(row["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _run_of(db: Database, connection_id: int) -> Row | None:
    try:
        return db.row(
            "SELECT command, os_user, host, pid, started_at FROM rlops_run"
            " WHERE connection_id = %s AND status = 'running' ORDER BY id DESC LIMIT 1",
            (connection_id,),
        )
    except Lost:
        raise
    except ServerError:
        return None  # the journal isn't there yet, or not for this account


def release(db: Database, name: str) -> None:
    """Give a lock back."""
    if db.engine.can.run_lock == "lease":
        db.execute("DELETE FROM rlops_lease WHERE name = %s AND connection_id = %s", (name, db.connection_id))
    else:
        db.value("SELECT RELEASE_LOCK(%s)", (name,))


def holder(db: Database) -> int | None:
    """The connection that holds the lock; None when nobody does. Needs no privilege but, for a lease, SELECT on it.

    An account that sees no other session takes a lease for held until somebody else has it or gives it back.
    """
    name = lock_name(db.schema)
    if db.engine.can.run_lock != "lease":
        found = db.value("SELECT IS_USED_LOCK(%s)", (name,))
        return None if found is None else int(found)
    try:
        found = db.value("SELECT connection_id FROM rlops_lease WHERE name = %s", (name,))
    except Lost:
        raise
    except ServerError:
        return None  # nobody has ever taken it, or it is not for this account
    if found is None or is_connected(db, int(found)) or not privileges.own(db).has("PROCESS"):
        return None if found is None else int(found)
    return None


def _acquire_get_lock(db: Database, name: str) -> int | None:
    if db.value("SELECT GET_LOCK(%s, 0)", (name,)) == 1:
        return None
    return int(db.value("SELECT IS_USED_LOCK(%s)", (name,)) or 0)


def _acquire_lease(db: Database, name: str) -> int | None:
    db.execute(
        "CREATE TABLE IF NOT EXISTS rlops_lease (name VARCHAR(64) NOT NULL PRIMARY KEY, connection_id BIGINT NOT NULL,"
        " taken_at DATETIME(6) NOT NULL) COMMENT='rlops: who holds the run lock'"
    )
    take = "INSERT INTO rlops_lease (name, connection_id, taken_at) VALUES (%s, %s, UTC_TIMESTAMP(6))"
    try:
        with db.transaction():
            row = db.row("SELECT connection_id FROM rlops_lease WHERE name = %s FOR UPDATE", (name,))
            if row and row["connection_id"] != db.connection_id and is_connected(db, row["connection_id"]):
                return int(row["connection_id"])
            db.execute("DELETE FROM rlops_lease WHERE name = %s", (name,))
            db.execute(take, (name, db.connection_id))
    except (Conflict, LockWait, TimedOut):
        return 0  # another session is taking it at this very moment
    except ServerError as error:
        if isinstance(error, Lost) or error.number != 1062:
            raise
        return 0
    return None


def is_connected(db: Database, connection_id: int) -> bool:
    """Whether that session is still on the server. One's own account's sessions show without a privilege."""
    return _session(db, connection_id) is not None


def _session(db: Database, connection_id: int) -> Row | None:
    return next((row for row in db.rows("SHOW FULL PROCESSLIST") if int(row.get("Id") or 0) == connection_id), None)


def _describe(db: Database, connection_id: int) -> str:
    described = f"connection {connection_id}" if connection_id else "a session that is just starting"
    row = _run_of(db, connection_id)
    if not row:
        session = _session(db, connection_id)
        return f"{described} of {session['User']}@{session['Host']}, which is just beginning" if session else described
    who = f"{row['os_user']}@{row['host']} (pid {row['pid']})"
    return f"`rlops {row['command']}` by {who}, {described}, since {row['started_at']:%H:%M:%S} UTC"
