"""Carries out one long step chunk by chunk: short transactions, each with its watermark, and looks before each one."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rlops import jobs, lock
from rlops.attempt import LOOK_EVERY, Attempts
from rlops.db import Conflict, Database, LockWait, Lost, ServerError
from rlops.ddl import Behind
from rlops.errors import Interrupted, Pending, RlopsError
from rlops.events import Progress
from rlops.journal import Journal
from rlops.lease import LeaseLost
from rlops.pace import Pace
from rlops.plan import Chunk, Closing, Step, Telling, Work
from rlops.words import counted

RUNNING: jobs.State = "running"
PAUSED: jobs.State = "paused"
NOTE_EVERY = 5.0  # seconds between two notes of why a job waits
MOST_LOST = 5  # times in the same chunk
LOST_AGAIN = (
    "What ends it is on record: type the same command again, and look at max_allowed_packet, at the server's wait_timeout, and at"
    " the limits of what is between."
)
RATE_OVER = 30.0  # seconds that the rate is taken of, so that a long wait doesn't spoil the estimate for ever


@dataclass
class Tally:
    """What a step has done in this run: rows, `late` among them, and chunks."""

    rows: int | None = None
    chunks: int = 0
    late: int = 0
    job: int | None = None
    resumed: bool = False
    left: int | None = None


class LongWork:
    """One long step of a run. `recover` opens the connection again after it was lost."""

    def __init__(
        self, attempts: Attempts, journal: Journal, step: Step, step_id: int, recover: Callable[[], None]
    ) -> None:
        self.attempts, self.journal, self.step, self.step_id, self.recover = attempts, journal, step, step_id, recover
        self.db: Database = attempts.db
        self.options = attempts.options
        self.pace = Pace(self.options.sql.policy.throttle.chunk_seconds)
        self.job: jobs.Running | None = None
        self.position: Any = None
        self.trail = deque([(time.monotonic(), 0)])
        self.noted = 0.0

    def carry_out(self, work: Work, tally: Tally) -> None:
        """Go on from where the job stands to the end. Raises Interrupted, Pending, Blocked or what a chunk raises."""
        tally.rows = 0
        if isinstance(work, Telling):
            work.tell = self.attempts.emit
        if self.step.job:
            self.job = jobs.Running(self.db, self.step.job, self.journal.run_id, work.total)
            self.position = self.job.job.watermark
            tally.job, tally.resumed = self.job.job.id, self.job.resumed
        tally.left = work.total
        try:
            self._chunks(work, tally)
        except RlopsError as error:
            if not isinstance(error, LeaseLost):  # the job is another run's by now
                self._leave("aborted" if isinstance(error, _Aborted) else "interrupted")
            if not self.step.records:
                error.message += (
                    f" after {counted(tally.rows, 'row')} in {counted(tally.chunks, 'chunk')}, each of them whole"
                )
                error.message += f"; about {tally.left:,} are left" if tally.left else ""
            if error.code == "window_closed":
                raise Pending(
                    error.message, "Type the same command in the next window: it goes on from here.", error.code
                ) from error
            raise
        finally:
            if isinstance(work, Closing):
                work.close()
        tally.left = 0

    def _chunks(self, work: Work, tally: Tally) -> None:
        refused, lost, deadline = 0, 0, time.monotonic() + self.options.retry_for
        while True:
            chunk: Chunk | None = None
            began = time.monotonic()
            try:
                if self._clear_the_way():
                    deadline = time.monotonic() + self.options.retry_for
                began = time.monotonic()
                with self.db.transaction():
                    chunk = work.chunk(self.db, self.position, self.pace.size)
                    self._mark(chunk, tally)
            except (Conflict, LockWait) as error:
                self.pace.refused()
                self._note(f"another session holds a lock ({error.text})", RUNNING, first=not refused)
                self.attempts.pause(error, refused, deadline)
                refused += 1
                continue
            except Behind as error:
                if time.monotonic() >= deadline:
                    raise
                self._note(error.message, RUNNING, first=not refused)
                self.attempts.wait(f"not tried yet: {error.why}", LOOK_EVERY)
                refused += 1
                continue
            except Lost as error:
                self.recover()
                if chunk is None or not self._committed(chunk, tally):
                    self.pace.refused()
                    lost += 1
                    if lost >= MOST_LOST:
                        error.hint = LOST_AGAIN
                        raise
                    continue
            now = time.monotonic()
            self.pace.took(chunk.rows // chunk.sessions, now - began)
            self._count(chunk, tally)
            refused, lost, deadline = 0, 0, now + self.options.retry_for
            self._tell(work, tally, now - began)
            if chunk.last:
                return

    def _mark(self, chunk: Chunk, tally: Tally) -> None:
        """In the chunk's transaction: where it ends, and that this run still holds the lock."""
        lock.confirm(self.db)
        rows = (tally.rows or 0) + chunk.rows
        self.journal.watermark(self.step_id, _text(tally, chunk), rows)
        if self.job:
            self.job.watermark(chunk.position, self.job.job.rows + rows, done=chunk.last)

    def _committed(self, chunk: Chunk, tally: Tally) -> bool:
        """Whether a chunk was committed whose answer was lost: its watermark tells, which commits with it."""
        rows = (tally.rows or 0) + chunk.rows
        return self.journal.watermark_of(self.step_id) == (_text(tally, chunk), rows)

    def _count(self, chunk: Chunk, tally: Tally) -> None:
        tally.rows = (tally.rows or 0) + chunk.rows
        tally.late += chunk.late
        tally.chunks += 1
        if tally.left is not None:
            tally.left = max(0, tally.left - chunk.rows)
        self.position = chunk.position

    def _tell(self, work: Work, tally: Tally, seconds: float) -> None:
        if self.step.records:
            return
        earlier, rows = self.job.job.rows if self.job else 0, tally.rows or 0
        self.trail.append((time.monotonic(), rows))
        while len(self.trail) > 2 and self.trail[-1][0] - self.trail[0][0] > RATE_OVER:
            self.trail.popleft()
        (since, before), (now, _) = self.trail[0], self.trail[-1]
        rate = (rows - before) / max(0.001, now - since)
        total = None if work.total is None else earlier + work.total
        lag = self.options.throttle.lag if self.options.throttle else None
        self.attempts.emit(Progress(self.step.name, earlier + rows, total, rate, seconds, lag))

    def _clear_the_way(self) -> bool:
        """Wait while something is in the way of the next chunk; says whether it had to."""
        waited = False
        while True:
            self.attempts.check_time()
            reason, state = self._paused(), PAUSED
            if reason is None and self.options.throttle:
                reason, state = self.options.throttle.reason(), RUNNING
            if reason is None:
                if waited:
                    self._note(None, RUNNING, first=True)
                return waited
            self._note(reason, state, first=not waited)
            self.attempts.wait(reason, LOOK_EVERY)
            waited = True

    def _paused(self) -> str | None:
        request, who = self.job.request() if self.job else (None, "")
        if self.job and request == "abort":
            raise _Aborted(f"job {self.job.job.id} was aborted by {who}", who)
        if self.job and request == "pause":
            return f"paused by {who}; `rlops jobs resume {self.job.job.id}` lets it go on"
        return None

    def _note(self, reason: str | None, state: jobs.State, *, first: bool) -> None:
        lock.check(self.db)
        now = time.monotonic()
        if self.job and (first or now - self.noted >= NOTE_EVERY):
            self.noted = now
            with suppress(ServerError):  # the next one says it; a lost connection is met by what follows
                self._to_job(lambda job: job.waiting(reason, state))

    def _leave(self, state: jobs.State) -> None:
        """Say how this run leaves the job. Where that fails, the next run settles it."""
        with suppress(RlopsError):
            self._to_job(lambda job: job.close(state))

    def _to_job(self, write: Callable[[jobs.Running], None]) -> None:
        """Write to the job's row, which is another run's once the lock is lost. Raises LeaseLost."""
        if self.job:
            with self.db.transaction():
                lock.confirm(self.db)
                write(self.job)


def _text(tally: Tally, chunk: Chunk) -> str:
    """The watermark in the journal. Its number tells two chunks apart that touch nothing and end at one position."""
    return f"{tally.chunks + 1}: {json.dumps(chunk.position, ensure_ascii=False)}"


class _Aborted(Interrupted):
    """Somebody gave the job up."""

    def __init__(self, message: str, who: str) -> None:
        super().__init__(message, "Type the command again to begin anew.", "job_aborted")
        self.who = who
