"""The run lock: one writing rlops run at a time for each schema, free again when its holder is gone."""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rlops import lease
from rlops.db import Database, Lost, Row, ServerError
from rlops.errors import Blocked
from rlops.events import Emit, Waiting, silent
from rlops.lease import Held, Lease

MAINTENANCE = "maintenance of "
IDLE = 7 * 86_400  # seconds that a connection which only holds a lock may be silent


def lock_name(schema: str, what: str = "") -> str:
    """The lock's name. Hashed, since MySQL refuses names over 64 characters and folds their case."""
    return "rlops:" + hashlib.sha256(f"{what}{schema}".encode()).hexdigest()[:32]


def folded(db: Database, schema: str) -> str:
    """A schema's name as this server tells it from others, however it is typed."""
    return schema.lower() if db.folds else schema


def _name(db: Database, what: str = "") -> str:
    return lock_name(folded(db, db.schema), what)


@contextmanager
def maintenance_lock(db: Database) -> Iterator[None]:
    """Hold the lock of `rlops maintain` inside the block; each of its parts takes the run lock beside it.

    Raises Blocked when another maintenance has it.
    """
    name = _name(db, MAINTENANCE)
    db.execute(f"SET SESSION wait_timeout = {IDLE}")
    if held := _take(db, name):
        raise Blocked(
            f"another `rlops maintain` is at work on {db.schema}: {_describe(db, held)}. Nothing was changed",
            "It does the same work: look with `rlops jobs list` and `rlops history`.",
            "maintenance_lock",
        )
    try:
        yield
    finally:
        _release(db, name)


@contextmanager
def run_lock(db: Database, retry_for: float = 0.0, emit: Emit = silent) -> Iterator[None]:
    """Hold the run lock inside the block, on the very connection that writes: losing one loses the other.

    Waits up to `retry_for` seconds while the holder is a run whose process is gone: its last statement has not finished,
    or its lease has not run out. Raises Blocked, with the holder's name, when another run has it.
    """
    deadline = time.monotonic() + retry_for
    name = _name(db)
    while held := _take(db, name):
        orphan = _is_orphan(db, held.connection_id)
        if not orphan or time.monotonic() >= deadline:
            raise _blocked(db, held, orphan=orphan)
        emit(Waiting(f"{_GONE}: {_describe(db, held)}"))
        time.sleep(0.2)
    try:
        yield
    finally:
        _release(db, name)


def acquire(db: Database) -> None:
    """Take the lock again on a new connection, or raise Blocked at once; LeaseLost when another run has had it since."""
    if db.lease:
        db.lease.move(db)
    elif held := _take(db, _name(db)):
        raise _blocked(db, held)


def check(db: Database) -> None:
    """Raise LeaseLost when the lock is known to be lost. Asks no server."""
    if db.lease:
        db.lease.check()


def confirm(db: Database) -> None:
    """Make sure of the lock, in the caller's transaction if there is one. Raises LeaseLost.

    GET_LOCK needs no such look: what is sent on the connection that holds it is sent under it.
    """
    if db.lease:
        db.lease.confirm(db)


def prove(db: Database) -> None:
    """Make sure of the lock before something is done that the server doesn't see, such as to a file. Raises LeaseLost, or Lost.

    GET_LOCK is gone with its connection: an answer on that shows that it is held yet.
    """
    confirm(db)
    if not db.lease:
        db.execute("DO 0")


def _take(db: Database, name: str) -> Held | None:
    """Take the lock; returns who has it when that is another."""
    if db.engine.can.run_lock == "get_lock":
        if db.value("SELECT GET_LOCK(%s, 0)", (name,)) == 1:
            return None
        return Held(int(db.value("SELECT IS_USED_LOCK(%s)", (name,)) or 0), "", here=True, until=0)
    found = lease.take(db, name)
    if isinstance(found, Lease):
        db.lease = found
        return None
    return found or Held(0, "", here=True, until=0)


_GONE = "the process of the run that holds the lock is gone"


def _blocked(db: Database, held: Held, *, orphan: bool = False) -> Blocked:
    gone = (
        "; its process is gone, and the server is still running its last statement" if orphan and not held.until else ""
    )
    return Blocked(
        f"another rlops run is writing to {db.schema}: {_describe(db, held)}{gone}. Nothing was changed",
        "Wait until it has ended, or look at it with `rlops history`.",
        "run_lock",
    )


def _is_orphan(db: Database, connection_id: int) -> bool:
    """Whether the holder's process ran on this machine and is gone."""
    row = _run_of(db, connection_id)
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


def _release(db: Database, name: str) -> None:
    with suppress(ServerError):
        if db.lease:
            held, db.lease = db.lease, None
            held.give_back(db)
        else:
            db.value("SELECT RELEASE_LOCK(%s)", (name,))


def holder(db: Database) -> int | None:
    """The connection that holds the lock; None when nobody does. Needs no privilege but, for a lease, SELECT on it.

    An account that sees no other session takes a lease for held until it runs out.
    """
    name = _name(db)
    if db.engine.can.run_lock == "get_lock":
        found = db.value("SELECT IS_USED_LOCK(%s)", (name,))
        return None if found is None else int(found)
    held = lease.read(db, name)
    return held.connection_id if held else None


def await_the_dead(db: Database, retry_for: float) -> None:
    """Wait up to so many seconds while the lock's holder is a run whose process is gone: its last statement has not finished."""
    deadline = time.monotonic() + retry_for
    with suppress(ServerError):  # who holds it may not be for this account to see
        while time.monotonic() < deadline:
            connection = holder(db)
            if connection is None or not _is_orphan(db, connection):
                return
            time.sleep(0.2)


def is_busy(db: Database, connection_id: int) -> bool:
    """Whether that session is executing a statement: it outlives its client until it has ended."""
    found = lease.session(db, connection_id)
    return found is not None and str(found.get("Command")) != "Sleep"


def _describe(db: Database, held: Held) -> str:
    described = f"connection {held.connection_id}" if held.connection_id else "a session that is just starting"
    described += "" if held.here else f" of {held.node}"
    described += f", whose lock runs out in {held.until:.0f} s unless it is renewed" if held.until else ""
    row = _run_of(db, held.connection_id)
    if not row:
        found = lease.session(db, held.connection_id) if held.here else None
        return f"{described} of {found['User']}@{found['Host']}, which is just beginning" if found else described
    who = f"{row['os_user']}@{row['host']} (pid {row['pid']})"
    return f"`rlops {row['command']}` by {who}, {described}, since {row['started_at']:%H:%M:%S} UTC"
