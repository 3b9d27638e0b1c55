"""Carries out a plan: the only code that writes. Journals each statement before and after it is run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from rlops import facts, journal, lock
from rlops.db import Conflict, Database, LockWait, Lost, ServerError
from rlops.errors import Blocked, Exit, Failed, Interrupted, RlopsError
from rlops.events import Emit, Progress, StepEnded, StepStarted, Waiting
from rlops.pace import Pace
from rlops.plan import Answer, Plan, Step, StepResult, StepStatus, Work
from rlops.stop import StopRequest, deferred

RECONNECT_FOR = 60.0  # seconds; a server that restarts is back by then


@dataclass(frozen=True)
class RunOptions:
    """How to run a plan. `retry_for` is seconds spent on a statement that another session's lock holds up."""

    actor: journal.Actor
    ticket: str | None = None
    retry_for: float = 30.0


def execute(db: Database, plan: Plan, options: RunOptions, emit: Emit) -> Answer:
    """Run every step of the plan in order, under the run lock, which the caller holds.

    Never raises for what a step does: the answer's exit code and error say how it ended.
    """
    with deferred() as stop:
        return _Run(db, plan, options, emit, stop).carry_out()


class _Run:
    def __init__(self, db: Database, plan: Plan, options: RunOptions, emit: Emit, stop: StopRequest) -> None:
        self.db, self.plan, self.options, self.emit, self.stop = db, plan, options, emit, stop
        self.journal: journal.Journal | None = None
        self.results: list[StepResult] = []
        self.rows: int | None = None
        self.chunks, self.paused = 0, 0.0

    def carry_out(self) -> Answer:
        try:
            for number, step in enumerate(self.plan.steps, 1):
                if self.stop.requested:
                    raise Interrupted("interrupted before the next statement")
                if self.journal is None and not step.own:
                    self.journal = journal.Journal(self.db, self.plan, self.options.actor, self.options.ticket)
                self._step(number, step)
        except RlopsError as error:
            return self._failure(error)
        try:
            self._noted(lambda journal: journal.finish("ok", ""))
        except RlopsError as error:
            return self._failure(error)
        return self._answer(Exit.OK)

    def _step(self, number: int, step: Step) -> None:
        count = len(self.plan.steps)
        self.emit(StepStarted(number, count, step.name))
        began = time.monotonic()
        step_id = self.journal.intent(number, step) if self.journal else None
        self.rows, self.chunks, self.paused = None, 0, 0.0
        error: RlopsError | None = None
        status: StepStatus = "failed"
        try:
            if step.work:
                self._work(step, step.work, step_id)
            else:
                self.rows = self._attempt(step)
            status = "done"
            if step_id is not None:
                self._noted(lambda journal: journal.outcome(step_id, "done", self.rows))
        except RlopsError as problem:
            error = problem
            status = "unknown" if isinstance(problem, Lost) else "failed"
            raise
        finally:
            seconds = round(time.monotonic() - began, 3)
            text = self.db.text(step.statement.sql, step.statement.values) if status == "done" else step.statement.sql
            self.results.append(StepResult(
                step.name, step.statement.file, status, text, self.rows, seconds, error.message if error else None,
                chunks=self.chunks, paused_seconds=round(self.paused, 3),
            ))  # fmt: skip
            self.emit(StepEnded(number, count, step.name, status, seconds))
            if error and step_id is not None:
                self._note_failure(step_id, status, error)

    def _note_failure(self, step_id: int, status: str, error: RlopsError) -> None:
        # A failure to note a failure must not hide it; the next run settles what the journal leaves open.
        if status == "unknown":
            return
        try:
            self._noted(lambda journal: journal.outcome(step_id, status, error=error.message))
        except ServerError:
            return

    def _noted(self, write: Callable[[journal.Journal], None]) -> None:
        """Write to the journal; the row is the same when it is written twice."""
        if self.journal is None:
            return
        try:
            write(self.journal)
        except Lost:
            self._recover()
            write(self.journal)

    def _attempt(self, step: Step) -> int:
        """Run one statement: waits for locks within bounds, and settles a lost answer by looking."""
        deadline = time.monotonic() + self.options.retry_for
        for attempt in range(1_000_000):
            try:
                return self._execute(step)
            except (LockWait, Conflict) as error:
                self._pause(error, attempt, deadline)
            except Lost as error:
                if not step.expect:
                    raise
                before = self.db.connection_id
                self._recover()
                self._wait_until_gone(before)
                if all(facts.holds(self.db, expect) for expect in step.expect):
                    return 0
                if time.monotonic() > deadline:
                    raise error
        raise AssertionError

    def _execute(self, step: Step) -> int:
        if not step.checks_off:
            return self.db.execute(step.statement.sql, step.statement.values)
        self.db.execute("SET SESSION foreign_key_checks = 0")
        try:
            return self.db.execute(step.statement.sql, step.statement.values)
        finally:
            with suppress(Lost):
                self.db.execute("SET SESSION foreign_key_checks = 1")

    def _pause(self, error: ServerError, attempt: int, deadline: float) -> None:
        if self.stop.requested:
            raise Interrupted("interrupted while waiting for a lock")
        if time.monotonic() >= deadline:
            raise Blocked(
                f"another session's lock did not go away within {self.options.retry_for:g} s ({error.text})",
                "See who holds it with `rlops monitor`, then run this command again.",
                "lock_wait",
            ) from error
        self.emit(Waiting(f"another session holds a lock ({error.text}); trying again"))
        pause = min(2.0, 0.1 * 2 ** min(attempt, 5)) * random.uniform(0.5, 1.0)  # noqa: S311
        self.paused += pause
        time.sleep(pause)

    def _recover(self) -> None:
        """A new session after a lost one, holding the run lock again. Raises Lost or Blocked when there is none."""
        self.emit(Waiting("the connection was lost; connecting again"))
        deadline = time.monotonic() + RECONNECT_FOR
        while True:
            try:
                self.db.reconnect()
                lock.acquire(self.db)
                return
            except RlopsError as error:
                if time.monotonic() > deadline or self.stop.requested:
                    raise Lost(2006, "the server did not come back: " + error.message) from error
                time.sleep(0.5)

    def _wait_until_gone(self, connection_id: int) -> None:
        deadline = time.monotonic() + RECONNECT_FOR
        while lock.is_connected(self.db, connection_id):
            self.emit(Waiting(f"the server is still running the statement in connection {connection_id}"))
            if self.stop.requested or time.monotonic() > deadline:
                raise Failed(
                    f"the statement is still running on the server, in connection {connection_id}",
                    f"Wait until it has ended, then type `{self.plan.again}`.",
                )
            time.sleep(0.5)

    def _work(self, step: Step, work: Work, step_id: int | None) -> None:
        """Run a long step chunk by chunk; each chunk commits together with its watermark."""
        assert self.journal and step_id is not None
        pace, position, refused = Pace(), None, 0
        self.rows = 0
        began = time.monotonic()
        deadline = began + self.options.retry_for
        while True:
            if self.stop.requested:
                raise Interrupted(f"interrupted after {self.rows:,} rows in {self.chunks:,} chunks, each of them whole")
            chunk_began = time.monotonic()
            try:
                with self.db.transaction():
                    chunk = work.chunk(self.db, position, pace.size)
                    self.journal.watermark(step_id, str(chunk.position), self.rows + chunk.rows)
            except (Conflict, LockWait) as error:
                pace.refused()
                self._pause(error, refused, deadline)
                refused += 1
                continue
            except Lost:
                self._recover()
                # Whether the chunk was committed is told by the count that commits with it.
                self.rows = int(self.db.value("SELECT affected_rows FROM rlops_step WHERE id = %s", (step_id,)) or 0)
                continue
            now = time.monotonic()
            pace.took(now - chunk_began)
            self.rows, self.chunks, position = self.rows + chunk.rows, self.chunks + 1, chunk.position
            refused, deadline = 0, now + self.options.retry_for
            self.emit(Progress(step.name, self.rows, work.total, now - began))
            if chunk.last:
                return

    def _failure(self, error: RlopsError) -> Answer:
        changed = any(
            (result.status == "done" and not step.own) or (step.work and result.rows)
            for result, step in zip(self.results, self.plan.steps, strict=False)
        )
        wrapped = self._explain(error, changed)
        try:
            self._noted(lambda journal: journal.finish(wrapped.exit.status, wrapped.message))
        except RlopsError:
            wrapped.message += " (The journal could not be told.)"
        return self._answer(wrapped.exit, wrapped)

    def _explain(self, error: RlopsError, changed: bool) -> RlopsError:
        count, at = len(self.plan.steps), len(self.results)
        failed = bool(self.results) and self.results[-1].status != "done"
        number = at if failed else at + 1
        name = self.plan.steps[min(number, count) - 1].name
        applied = [str(n) for n, r in enumerate(self.results, 1) if r.status == "done"]
        untouched = [str(n) for n in range(at + 1, count + 1)]
        verb = "stopped" if isinstance(error, Interrupted) else "failed"
        if self.results and self.results[-1].status == "unknown":
            verb = "has an unknown outcome"
        message = f"step {number} of {count} ({name}) {verb}: {error.message}."
        message += f" Applied: {', '.join(applied) or 'none'}. Untouched: {', '.join(untouched) or 'none'}."
        hint = error.hint or f"Mend the cause, then type `{self.plan.again}`: it goes on where this run stopped."
        exit_code = error.exit
        if changed and exit_code is not Exit.INTERRUPTED:
            exit_code = Exit.FAILED
        wrapped = RlopsError(message, hint, error.code)
        wrapped.exit = exit_code
        return wrapped

    def _answer(self, exit_code: Exit, error: RlopsError | None = None) -> Answer:
        rest = self.plan.steps[len(self.results) :]
        untouched = tuple(StepResult(s.name, s.statement.file, "untouched", s.statement.sql) for s in rest)
        data = dict(self.plan.data) | dict(self.plan.account(self.results) if self.plan.account else {})
        return Answer(
            self.plan.command, exit_code, data, (*self.results, *untouched), False,
            plan_hash=self.plan.hash, error=error,
        )  # fmt: skip
