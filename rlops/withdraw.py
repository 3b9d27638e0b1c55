"""Takes back a DDL of our own that waits for a table: while it waits, every statement of the shop queues behind it.

The servers' own limit is a whole second at least, which is too long to stall a shop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rlops.db import Database, LockWait, ServerError, TimedOut
from rlops.errors import RlopsError

PATIENCE = 0.3  # seconds that a statement may wait for a metadata lock
LEAST_WAIT = 1.0  # seconds; the servers' own least limit, and the default of --lock-wait
LOOK_EVERY = 0.05  # seconds
WAITING = "waiting for table metadata lock"
STATE = "SELECT STATE AS state FROM information_schema.PROCESSLIST WHERE ID = %s"


@contextmanager
def early(db: Database) -> Iterator[None]:
    """End what the session runs inside the block once it has waited for a metadata lock for PATIENCE: LockWait.

    A statement that has its locks is never ended. The server's own limit holds where a second session can't be had,
    and where the user has asked for a longer wait than the least one.
    """
    if db.lock_wait > LEAST_WAIT:
        yield
        return
    try:
        watcher = _Watcher(db)
    except RlopsError:  # such as too many connections
        yield
        return
    watcher.start()
    try:
        yield
    except TimedOut as error:
        if watcher.struck.is_set():
            raise LockWait(
                error.number, f"it waited {PATIENCE:g} s for a table that others use, and was taken back"
            ) from error
        raise
    finally:
        watcher.stop()


class _Watcher(threading.Thread):
    def __init__(self, db: Database) -> None:
        super().__init__(daemon=True)
        self.watched, self.own = db.connection_id, db.sibling()
        self.over, self.struck = threading.Event(), threading.Event()

    def run(self) -> None:
        since: float | None = None
        while not self.over.wait(LOOK_EVERY):
            try:
                waits = str(self.own.value(STATE, (self.watched,)) or "").lower() == WAITING
                now = time.monotonic()
                since = (since or now) if waits else None
                if since and now - since >= PATIENCE:
                    self.struck.set()
                    self.own.execute(f"KILL QUERY {self.watched}")
                    since = None
            except ServerError:
                return

    def stop(self) -> None:
        self.over.set()
        self.join()
        with suppress(ServerError):
            self.own.close()
