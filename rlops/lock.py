"""The run lock: one writing rlops run at a time for each schema, free again when its holder is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rlops.db import Conflict, Database, Forbidden, Lost, ServerError
from rlops.errors import Blocked


def lock_name(schema: str) -> str:
    """The lock's name. Hashed, since MySQL refuses names over 64 characters and folds their case."""
    return "rlops:" + hashlib.sha256(schema.encode()).hexdigest()[:32]


@contextmanager
def run_lock(db: Database) -> Iterator[None]:
    """Hold the run lock inside the block, on the very connection that writes: losing one loses the other.

    Raises Blocked, with the holder's name, when another run has it.
    """
    acquire(db)
    try:
        yield
    finally:
        with suppress(ServerError):
            release(db)


def acquire(db: Database) -> None:
    """Take the lock, or raise Blocked at once."""
    holder = _acquire_lease(db) if db.engine.can.run_lock == "lease" else _acquire_get_lock(db)
    if holder is not None:
        raise Blocked(
            f"another rlops run is writing to {db.schema}: {_describe(db, holder)}",
            "Wait until it has ended, or look at it with `rlops history`.",
            "run_lock",
        )


def release(db: Database) -> None:
    """Give the lock back."""
    if db.engine.can.run_lock == "lease":
        db.execute(
            "DELETE FROM rlops_lease WHERE name = %s AND connection_id = %s", (lock_name(db.schema), db.connection_id)
        )
    else:
        db.value("SELECT RELEASE_LOCK(%s)", (lock_name(db.schema),))


def _acquire_get_lock(db: Database) -> int | None:
    if db.value("SELECT GET_LOCK(%s, 0)", (lock_name(db.schema),)) == 1:
        return None
    return int(db.value("SELECT IS_USED_LOCK(%s)", (lock_name(db.schema),)) or 0)


def _acquire_lease(db: Database) -> int | None:
    db.execute(
        "CREATE TABLE IF NOT EXISTS rlops_lease (name VARCHAR(64) NOT NULL PRIMARY KEY, connection_id BIGINT NOT NULL,"
        " taken_at DATETIME(6) NOT NULL) COMMENT='rlops: who holds the run lock'"
    )
    name = lock_name(db.schema)
    take = "INSERT INTO rlops_lease (name, connection_id, taken_at) VALUES (%s, %s, UTC_TIMESTAMP(6))"
    try:
        with db.transaction():
            row = db.row("SELECT connection_id FROM rlops_lease WHERE name = %s FOR UPDATE", (name,))
            if row and row["connection_id"] != db.connection_id and is_connected(db, row["connection_id"]):
                return int(row["connection_id"])
            db.execute("DELETE FROM rlops_lease WHERE name = %s", (name,))
            db.execute(take, (name, db.connection_id))
    except Conflict:
        return 0
    except ServerError as error:
        if isinstance(error, Lost) or error.number != 1062:
            raise
        return 0
    return None


def is_connected(db: Database, connection_id: int) -> bool:
    """Whether that session is still on the server. One's own account's sessions show without a privilege."""
    return any(int(row.get("Id") or row.get("ID") or 0) == connection_id for row in db.rows("SHOW FULL PROCESSLIST"))


def _describe(db: Database, connection_id: int) -> str:
    described = f"connection {connection_id}" if connection_id else "a session that is just starting"
    with suppress(ServerError, Forbidden):
        row = db.row(
            "SELECT command, os_user, host, pid, started_at FROM rlops_run WHERE connection_id = %s AND status = 'running'"
            " ORDER BY id DESC LIMIT 1",
            (connection_id,),
        )
        if row:
            started = row["started_at"].strftime("%H:%M:%S")
            return f"`rlops {row['command']}` by {row['os_user']}@{row['host']} (pid {row['pid']}), {described}, since {started} UTC"
    return described
