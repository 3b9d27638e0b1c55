"""A run lock as a row: for servers whose GET_LOCK counts on one node alone, or outlives the connection that took it.

The row names its owner, and says until when it holds; the owner renews it while it lives. `fence` grows with each owner. Every
chunk confirms the row in its own transaction and every statement just before it is sent, so that a run that was stopped or
cut off for so long that another took the lock writes nothing more, whatever the nodes' clocks say.
"""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass

from rlops import privileges, standing
from rlops.db import NO_TABLE, Conflict, Damaged, Database, Duplicate, LockWait, Lost, Row, ServerError, TimedOut
from rlops.errors import Blocked, RlopsError

TABLE = "rlops_lease"
SECONDS = 30.0  # that a lease holds after it was renewed
RENEW_EVERY = 8.0
ANSWER_WITHIN = 10.0  # seconds; on a node that is cut off from its group's majority a COMMIT waits without end

# A node's host and port tell connections of two nodes apart that have the same number.
NODE = "CONCAT(@@hostname, ':', @@port)"
_CREATE = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} (name VARCHAR(64) NOT NULL PRIMARY KEY, owner CHAR(32) NOT NULL,"
    " fence BIGINT NOT NULL, node VARCHAR(320) NOT NULL, connection_id BIGINT NOT NULL, account VARCHAR(288) NOT NULL,"
    " renewed_at DATETIME(6) NOT NULL, renewals BIGINT NOT NULL DEFAULT 0) COMMENT='rlops: who holds the run lock'"
)
_READ = (
    f"SELECT owner, fence, node, connection_id, account, {NODE} = node AS here, CURRENT_USER() = account AS own,"
    f" TIMESTAMPDIFF(MICROSECOND, renewed_at, UTC_TIMESTAMP(6)) / 1000000 AS age FROM {TABLE} WHERE name = %s"
)
_TAKE = (
    f"UPDATE {TABLE} SET owner = %s, fence = fence + 1, node = {NODE}, connection_id = %s, account = CURRENT_USER(),"
    " renewed_at = UTC_TIMESTAMP(6) WHERE name = %s"
)
_INSERT = (
    f"INSERT INTO {TABLE} (owner, fence, node, connection_id, account, renewed_at, name)"
    f" VALUES (%s, 1, {NODE}, %s, CURRENT_USER(), UTC_TIMESTAMP(6), %s)"
)
_OWN = "WHERE name = %s AND owner = %s AND fence = %s"
# The count changes with each renewal, and so the row; servers say 0 rows of one that stays as it was.
_RENEWED = "renewed_at = UTC_TIMESTAMP(6), renewals = renewals + 1"
_CONFIRM = f"UPDATE {TABLE} SET {_RENEWED} {_OWN}"
_MOVE = f"UPDATE {TABLE} SET node = {NODE}, connection_id = %s, {_RENEWED} {_OWN}"
_GIVE_BACK = f"UPDATE {TABLE} SET owner = '' {_OWN}"


class LeaseLost(Blocked):
    """Another run has taken the lock: this one was stopped, or cut off, for longer than its lease holds."""

    def __init__(self) -> None:
        super().__init__(
            f"this run was stopped, or cut off from the server, for so long that its lock ran out ({SECONDS:g} s), and another"
            " run may have taken it", "Look with `rlops history`, then type the same command again: it goes on from here.",
            "lease_lost",
        )  # fmt: skip


@dataclass(frozen=True)
class Held:
    """Whose it is. `until` is how many seconds it still holds unless it is renewed."""

    connection_id: int
    node: str
    here: bool
    until: float


class Lease:
    """A lease that this run has; a thread renews it on a connection of its own until `give_back`."""

    def __init__(self, db: Database, name: str, owner: str, before: Row | None) -> None:
        """`before` is the row as the last owner left it; `from_here` says whether that one was on this node."""
        self.name, self.owner, self.fence = name, owner, int(before["fence"]) + 1 if before else 1
        self.from_here = bool(before and before["here"])
        self._renewed = time.monotonic()
        self._lost, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._renew, args=(db,), daemon=True, name="lease")
        self._thread.start()

    @property
    def _key(self) -> tuple[str, str, int]:
        return self.name, self.owner, self.fence

    def check(self) -> None:
        """Raise LeaseLost when it is known to be lost, or wasn't renewed for as long as it holds; asks no server."""
        if self._lost.is_set() or self._run_out():
            raise LeaseLost

    def _run_out(self) -> bool:
        return time.monotonic() - self._renewed > SECONDS

    def confirm(self, db: Database, sql: str = _CONFIRM, *values: object) -> None:
        """Renew it in the caller's transaction, if there is one. Raises LeaseLost when another run has taken it."""
        began = time.monotonic()
        if not db.execute(sql, (*values, *self._key)):
            self._lost.set()
            raise LeaseLost
        self._renewed = began

    def move(self, db: Database) -> None:
        """Note the connection that holds it now, after a lost one. Raises LeaseLost."""
        self.confirm(db, _MOVE, db.connection_id)

    def give_back(self, db: Database) -> None:
        """End the renewals, and let the next run have it at once. Raises Lost where the server doesn't answer."""
        self._over.set()
        self._thread.join(ANSWER_WITHIN)
        with db.answering(ANSWER_WITHIN):
            db.execute(_GIVE_BACK, self._key)

    def _renew(self, db: Database) -> None:
        own: Database | None = None
        while not self._over.wait(RENEW_EVERY) and not self._lost.is_set():
            try:
                own = own or db.sibling(ANSWER_WITHIN)
                self.confirm(own)
                continue
            except LeaseLost:
                break
            except (Conflict, LockWait, TimedOut):
                pass  # the run's own chunk is just renewing it
            except RlopsError:
                if own:
                    own.close()
                own = None
            if self._run_out() and _cut_off(db):
                db.hang_up()
        if own:
            own.close()


def _cut_off(db: Database) -> bool:
    """Whether no other session can be had, or this node is out of its cluster: what this one waits for may never come."""
    try:
        own = db.sibling(ANSWER_WITHIN)
    except RlopsError:
        return True
    try:
        return standing.of_cluster(own) is not None
    except RlopsError:
        return False  # it is busy, as every node is while a DDL runs
    finally:
        own.close()


def take(db: Database, name: str) -> Lease | Held | None:
    """Take the lease, or say who has it; None while another session is taking it at this very moment."""
    with suppress(Damaged):  # an older rlops made the table with fewer columns
        return _take(db, name)
    if db.value(f"SELECT COUNT(*) FROM {TABLE}"):
        return None
    db.execute(f"DROP TABLE IF EXISTS {TABLE}")
    return _take(db, name)


def _take(db: Database, name: str) -> Lease | Held | None:
    try:
        db.row(_READ, (name,))
    except ServerError as error:
        if isinstance(error, Lost) or error.number not in NO_TABLE:
            raise
        db.execute(_CREATE)  # not each time: on a cluster every node waits for a DDL
    owner = uuid.uuid4().hex
    try:
        with db.transaction():
            row = db.row(f"{_READ} FOR UPDATE", (name,))
            if row and (held := held_by(db, row)):
                return held
            db.execute(_TAKE if row else _INSERT, (owner, db.connection_id, name))
    except (Conflict, LockWait, TimedOut, Duplicate):
        return None
    return Lease(db, name, owner, row)


def held_by(db: Database, row: Row) -> Held | None:
    """Who has it by that row; None when nobody does: given back, run out, or its connection is seen to be gone."""
    age = float(row["age"])
    if not row["owner"] or age > SECONDS:
        return None
    if row["here"] and (row["own"] or privileges.own(db).has("PROCESS")) and not connected(db, row["connection_id"]):
        return None
    return Held(int(row["connection_id"]), str(row["node"]), bool(row["here"]), SECONDS - age)


def read(db: Database, name: str) -> Held | None:
    """Who has it, for those who only want to know; None when nobody does, or this account may not see it."""
    try:
        row = db.row(_READ, (name,))
    except Lost:
        raise
    except ServerError:
        return None
    return held_by(db, row) if row else None


def connected(db: Database, connection_id: int) -> bool:
    """Whether that session is still on this node. One's own account's sessions show without a privilege."""
    return session(db, connection_id) is not None


def session(db: Database, connection_id: int) -> Row | None:
    """That session's row of the process list."""
    return next((row for row in db.rows("SHOW FULL PROCESSLIST") if int(row.get("Id") or 0) == connection_id), None)
