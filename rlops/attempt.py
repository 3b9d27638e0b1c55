"""Runs one statement of a plan: bounded waits for locks, blockers by name, and a lost answer settled by looking."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from rlops import blockers, facts, lease, lock, nodes, standing, withdraw
from rlops.audit import AuditLog
from rlops.db import TABLE_EXISTS, Conflict, Database, LockWait, Lost, ServerError
from rlops.ddl import Behind
from rlops.engines import LENIENT
from rlops.errors import Blocked, Failed, Interrupted, Pending, RlopsError
from rlops.events import Emit, Waiting
from rlops.journal import Actor
from rlops.lease import LeaseLost
from rlops.plan import Step
from rlops.servererrors import COME_BACK
from rlops.sqlfiles import SqlFolder
from rlops.stop import StopRequest
from rlops.throttle import Throttle

RECONNECT_FOR = 60.0  # seconds; a server that restarts is back by then
LOOK_EVERY = 0.5  # seconds between two looks at what is in the way


@dataclass(frozen=True)
class RunOptions:
    """How to run a plan.

    `retry_for` is seconds spent on a statement that another session's lock holds up; `closes_at` the monotonic time
    at which the maintenance window closes, `max_time` the seconds that the run may take. A file at `stop_file` stops it
    as Ctrl-C does. `throttle` is what long work looks at before each chunk.
    """

    actor: Actor
    sql: SqlFolder
    ticket: str | None = None
    retry_for: float = 30.0
    closes_at: float | None = None
    max_time: float | None = None
    stop_file: Path | None = None
    throttle: Throttle | None = None
    audit: AuditLog | None = None


class Attempts:
    """What a run does to get one statement through. `paused` is seconds spent waiting."""

    def __init__(self, db: Database, options: RunOptions, emit: Emit, stop: StopRequest) -> None:
        self.db, self.options, self.emit, self.stop = db, options, emit, stop
        self.paused = 0.0
        self.ends_at = None if options.max_time is None else time.monotonic() + options.max_time

    def check_time(self) -> None:
        """Raise when this run is to go no further: a signal, a stop file, the end of the window or of the time budget, a
        run lock that another has taken.
        """
        lock.check(self.db)
        if self.stop.requested:
            raise Interrupted("interrupted")
        if self.options.stop_file and self.options.stop_file.exists():
            hint = "Remove the file, then type the same command again."
            raise Interrupted(f"stopped, since the stop file {self.options.stop_file} is there", hint, "stop_file")
        if self.ends_at is not None and time.monotonic() >= self.ends_at:
            raise Pending(
                "the time budget is spent", "Type the same command again: it goes on from here.", "time_budget"
            )
        if self.options.closes_at is not None and time.monotonic() >= self.options.closes_at:
            raise Blocked(
                "the maintenance window has closed", "Type the same command in the next window.", "window_closed"
            )

    def wait_for_blockers(self, touches: Sequence[str]) -> None:
        """Wait until no session is seen that holds a lock on these tables.

        Nothing is tried before that: a waiting DDL would hold up the shop. Raises Blocked, with their names.
        """
        deadline = time.monotonic() + self.options.retry_for
        while touches:
            found = blockers.certain(self.db, self.options.sql, touches)
            if not found:
                return
            if time.monotonic() >= deadline:
                raise self._blocked(blockers.named(found))
            self.wait(f"not tried yet: {blockers.named(found)}", LOOK_EVERY)

    def statement(self, step: Step, again: str) -> int:
        """Run a step's statement; returns the affected rows. `again` is the command that goes on after a failure."""
        deadline, attempt = time.monotonic() + self.options.retry_for, 0
        while True:
            try:
                if step.touches:
                    self._wait_for_nodes(deadline)
                waits = bool(step.touches) and self.db.engine.can.metadata_locks
                if waits:
                    self.wait_for_blockers(step.touches)
                if step.check:
                    step.check(self.db)
                with withdraw.early(self.db) if waits else nullcontext():
                    return self._execute(step)
            except (LockWait, Conflict) as error:
                self.pause(error, attempt, deadline, step.touches)
                attempt += 1
            except ServerError as error:
                if error.number == TABLE_EXISTS and self._holds(step):
                    return 0  # seekdb shows another session's new table a moment late; its structure is looked at after
                if not isinstance(error, Lost) or not (step.expect or step.repeatable):
                    raise
                before = self.db.connection_id
                self.recover()
                self._wait_until_gone(before, again)
                if self._holds(step):
                    return 0
                if time.monotonic() > deadline:
                    raise error

    def _wait_for_nodes(self, deadline: float) -> None:
        """Wait until every server of a cluster is in step: a DDL goes to all of them. Raises Behind."""
        while late := nodes.straggler(self.db, self.options.sql, nodes.SOON):
            if time.monotonic() >= deadline:
                raise Behind(late)
            self.wait(f"not tried yet: {late.told}", LOOK_EVERY)

    def _holds(self, step: Step) -> bool:
        return bool(step.expect) and all(facts.holds(self.db, expect) for expect in step.expect)

    def _execute(self, step: Step) -> int:
        lock.confirm(self.db)
        mode = self.db.sql_mode(LENIENT) if step.lenient else nullcontext()
        with self.db.checks_off() if step.checks_off else nullcontext(), mode:
            return self.db.execute(step.statement.sql, step.statement.values)

    def pause(self, error: ServerError, attempt: int, deadline: float, touches: Sequence[str] = ()) -> None:
        """Wait before the next try, longer each time and with jitter. Raises Blocked once the deadline has passed."""
        self.check_time()
        who = blockers.named(blockers.find(self.db, self.options.sql, touches)) if touches else error.text
        if time.monotonic() >= deadline:
            raise self._blocked(who) from error
        seconds = min(2.0, 0.1 * 2 ** min(attempt, 5)) * random.uniform(0.5, 1.0)  # noqa: S311
        self.wait(f"another session holds a lock: {who}", seconds)

    def _blocked(self, who: str) -> Blocked:
        return Blocked(
            f"another session's lock did not go away within {self.options.retry_for:g} s: {who}",
            "End that session or wait for it, then type the same command again; --retry-for SECONDS waits longer.",
            "lock_wait",
        )

    def wait(self, reason: str, seconds: float) -> None:
        """Wait, saying why. Raises as `check_time` does."""
        self.check_time()
        self.emit(Waiting(reason))
        self.paused += seconds
        time.sleep(seconds)

    def recover(self) -> None:
        """A new session after a lost one, holding the run lock again. Raises Lost when the server stays away, or takes no writes.

        After a second signal nothing more is waited for: Lost at once.
        """
        if self.stop.insisted:
            raise Lost(
                2013, "a second signal ended the wait for an answer; whether the last statement was carried out is not known",
                COME_BACK,
            )  # fmt: skip
        self.emit(Waiting("the connection was lost; connecting again"))
        deadline = time.monotonic() + RECONNECT_FOR
        while True:
            try:
                self.db.reconnect()
                standing.refuse(self.db)  # a node that comes back alone takes writes that its cluster never sees
                lock.acquire(self.db)
                return
            except LeaseLost:
                raise
            except RlopsError as error:
                if time.monotonic() > deadline or self.stop.requested:
                    raise Lost(2006, "the server did not come back: " + error.message) from error
                time.sleep(LOOK_EVERY)

    def _wait_until_gone(self, connection_id: int, again: str) -> None:
        deadline = time.monotonic() + RECONNECT_FOR
        while lease.connected(self.db, connection_id):
            if self.stop.requested or time.monotonic() > deadline:
                raise Failed(
                    f"the statement is still running on the server, in connection {connection_id}",
                    f"Wait until it has ended, then type `{again}`.", "still_running",
                )  # fmt: skip
            self.emit(Waiting(f"the server is still running the statement in connection {connection_id}"))
            time.sleep(LOOK_EVERY)
