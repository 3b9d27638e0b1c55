"""Carries out a plan: the only code that writes. Journals each statement before and after it is run."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from rlops import journal, lock
from rlops.attempt import Attempts, RunOptions
from rlops.db import Conflict, Database, LockWait, Lost, ServerError
from rlops.errors import Exit, Failed, Interrupted, Pending, RlopsError
from rlops.events import Emit, StepEnded, StepStarted
from rlops.lease import LeaseLost
from rlops.longwork import LongWork, Tally
from rlops.plan import Answer, Plan, Step, StepResult, StepStatus, not_run
from rlops.stop import StopRequest, deferred

__all__ = ["RunOptions", "execute"]

STOPPED = (Interrupted, Pending)  # ends that somebody wanted; all that was done is whole


def execute(db: Database, plan: Plan, options: RunOptions, emit: Emit) -> Answer:
    """Run every step of the plan in order, under the run lock, which the caller holds.

    Never raises for what a step does: the answer's exit code and error say how it ended.
    """
    with deferred(db.hang_up) as stop:
        return _Run(db, plan, options, emit, stop).carry_out()


class _Run:
    def __init__(self, db: Database, plan: Plan, options: RunOptions, emit: Emit, stop: StopRequest) -> None:
        self.db, self.plan, self.options, self.emit = db, plan, options, emit
        self.attempts = Attempts(db, options, emit, stop)
        self.journal: journal.Journal | None = None
        self.results: list[StepResult] = []
        self.tally = Tally()

    def carry_out(self) -> Answer:
        try:
            self.attempts.wait_for_blockers(sorted({name for step in self.plan.steps for name in step.touches}))
            for number, step in enumerate(self.plan.steps, 1):
                self.attempts.check_time()
                if self.journal is None and self.plan.journaled and not step.own:
                    self.journal = journal.Journal(self.db, self.plan, self.options.actor, self.options.ticket)
                self._step(number, step)
            if self.journal:
                with suppress(ServerError):  # housekeeping; an account without DELETE leaves it to the next
                    journal.trim(self.db, self.options.sql.policy.journal.keep_days)
        except RlopsError as error:
            return self._failure(error)
        self._audit("finished", status="ok")
        return self._answer(Exit.OK)

    def _step(self, number: int, step: Step) -> None:
        count = len(self.plan.steps)
        self.emit(StepStarted(number, count, step.name))
        began = time.monotonic()
        self.tally, self.attempts.paused = Tally(), 0.0
        text = self.db.text(step.statement.sql, step.statement.values)
        self._audit("intent", step=step.name, file=step.statement.file, sql=text)
        step_id = self.journal.intent(number, step) if self.journal else None
        error: RlopsError | None = None
        status: StepStatus = "failed"
        try:
            if step.work:
                assert self.journal and step_id is not None
                LongWork(self.attempts, self.journal, step, step_id, self._recover).carry_out(step.work, self.tally)
            else:
                self.tally.rows = self.attempts.statement(step, self.plan.again)
            status = "done"
            if step_id is not None:
                self._noted(
                    lambda journal: self._note_done(journal, step_id, last=number == count), self.options.retry_for
                )
        except RlopsError as problem:
            error = problem
            if status != "done":
                status = (
                    "unknown" if isinstance(problem, Lost) else "stopped" if isinstance(problem, STOPPED) else "failed"
                )
            raise
        finally:
            seconds = round(time.monotonic() - began, 3)
            did = self.tally
            self.results.append(StepResult(
                step.name, step.statement.file, status, text, did.rows, seconds, error.message if error else None,
                step.statement.needs, step.statement.locks, step.statement.algorithm, did.chunks,
                round(self.attempts.paused, 3), did.late, did.job, did.resumed, did.left,
            ))  # fmt: skip
            self.emit(StepEnded(number, count, step.name, status, seconds))
            if error and step_id is not None:
                self._note_failure(step_id, status, error)
        self._audit("outcome", step=step.name, status=status, rows=self.tally.rows)

    def _note_done(self, journal: journal.Journal, step_id: int, *, last: bool) -> None:
        # The run's end commits with its last step's: nobody would look for a run that has nothing left to do.
        journal.outcome(step_id, "done", self.tally.rows)
        if last:
            journal.finish("ok", "")

    def _note_failure(self, step_id: int, status: str, error: RlopsError) -> None:
        # A failure to note a failure must not hide it; the next run settles what the journal leaves open.
        if status in ("unknown", "done") or isinstance(error, LeaseLost):
            return
        with suppress(RlopsError):
            self._noted(lambda journal: journal.outcome(step_id, status, error=error.message))

    def _noted(self, write: Callable[[journal.Journal], None], retry_for: float = 0.0) -> None:
        """Write to the journal, under the run lock; the rows are the same when they are written twice.

        `retry_for` is seconds spent on locks that are in the way. Raises LeaseLost, Blocked, Lost, or as `check_time` does.
        """
        deadline, attempt, lost = time.monotonic() + retry_for, 0, False
        while self.journal:
            try:
                with self.db.transaction():
                    lock.confirm(self.db)
                    write(self.journal)
                return
            except (LockWait, Conflict) as error:
                self.attempts.pause(error, attempt, deadline)
                attempt += 1
            except Lost:
                if lost:
                    raise
                lost = True
                self._recover()

    def _recover(self) -> None:
        self.attempts.recover()
        if self.journal:
            self.journal.reconnected()

    def _audit(self, event: str, **fields: object) -> None:
        if self.options.audit is None:
            return
        try:
            self.options.audit.write(
                event, command=self.plan.command, schema=self.db.schema, ticket=self.options.ticket, **fields
            )
        except OSError as error:
            raise Failed(f"the audit log can't be written: {error.strerror}", "", "audit_log") from error

    def _failure(self, error: RlopsError) -> Answer:
        changed = any(
            (result.status == "done" and not (step.own or step.records)) or (step.work and result.rows)
            for result, step in zip(self.results, self.plan.steps, strict=False)
        )
        wrapped = self._explain(error, changed)
        try:
            if not isinstance(error, LeaseLost):  # the run that has the lock now has called this one dead
                self._noted(lambda journal: journal.finish(wrapped.exit.status, wrapped.message))
        except RlopsError:
            wrapped.message += " (The journal could not be told.)"
        try:
            self._audit("finished", status=wrapped.exit.status, error=wrapped.message)
        except Failed:
            wrapped.message += "" if error.code == "audit_log" else " (The audit log could not be told.)"
        return self._answer(wrapped.exit, wrapped)

    def _explain(self, error: RlopsError, changed: bool) -> RlopsError:
        """Say of every step what became of it, and what to type next."""
        count, at = len(self.plan.steps), len(self.results)
        failed = bool(self.results) and self.results[-1].error is not None
        number = at if failed else min(at + 1, count)
        applied = [n for n, r in enumerate(self.results, 1) if r.status == "done"]
        if at == count and not failed:
            wrapped = RlopsError(f"all {count} steps are applied, but {error.message}.", error.hint, error.code)
            wrapped.exit = error.exit if isinstance(error, STOPPED) else Exit.FAILED
            return wrapped
        verb = "was not begun" if not failed else "stopped" if isinstance(error, STOPPED) else "failed"
        if failed and self.results[-1].status == "unknown":
            verb = "has an unknown outcome"
        if failed and self.results[-1].status == "done":
            verb = "is applied, but could not be noted"
        why = error.message.removesuffix(". Nothing was changed")
        message = f"step {number} of {count} ({self.plan.steps[number - 1].name}) {verb}: {why}."
        message += f" Applied: {_ranges(applied)}. Untouched: {_ranges(list(range(at + 1, count + 1)))}."
        hint = error.hint or (
            f"Mend the cause, then type `{self.plan.again}` again, with the same options: it goes on where this run stopped."
        )
        wrapped = RlopsError(message, hint, error.code)
        wrapped.exit = error.exit if isinstance(error, STOPPED) or not changed else Exit.FAILED
        return wrapped

    def _answer(self, exit_code: Exit, error: RlopsError | None = None) -> Answer:
        untouched = tuple(not_run(self.db, step, "untouched") for step in self.plan.steps[len(self.results) :])
        data = dict(self.plan.data) | dict(self.plan.account(self.results) if self.plan.account else {})
        return Answer(
            self.plan.command, exit_code, data, (*self.results, *untouched), False,
            plan_hash=self.plan.hash, error=error,
        )  # fmt: skip


def _ranges(numbers: list[int]) -> str:
    """`1-3, 5`, or `none`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts) or "none"
