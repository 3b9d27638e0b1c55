"""A second session of a run on a thread of its own, so that the server works on two parts of a chunk at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from rlops.db import Database, LockWait, Lost, ServerError
from rlops.errors import RlopsError

Part = TypeVar("Part")
Done = TypeVar("Done")


class Beside:
    """The second session, opened when it is first wanted; `prepare` gives it the settings that it needs.

    There is none where the account may open no second, nor where a lease is the run lock, which fences the first alone.
    """

    def __init__(self, prepare: Callable[[Database], None]) -> None:
        self._prepare = prepare
        self._db: Database | None = None
        self._refused = False
        self._thread = ThreadPoolExecutor(1, "rlops-beside")

    def open(self, db: Database) -> bool:
        """Whether there is a second session beside this one."""
        if self._db is None and not self._refused and not db.lease:
            try:
                self._db = db.sibling()
                self._prepare(self._db)
            except RlopsError:
                self.close()
                self._refused = True
        return self._db is not None

    def both(self, db: Database, do: Callable[[Database, Part], Done], parts: Sequence[Part]) -> list[Done]:
        """Do the first part on this session and, at the same time, the second of two on the other.

        Raises what either raises, once both have ended; LockWait where the second session was lost. What the second has
        not committed is rolled back then, what the first hasn't is the caller's.
        """
        if len(parts) == 1:
            return [do(db, parts[0])]
        assert self._db
        other = self._thread.submit(do, self._db, parts[1])
        try:
            done = do(db, parts[0])
            return [done, other.result()]
        except Lost as error:
            self._db.hang_up()
            wait([other])
            self.close()
            if other.exception() is error:
                raise LockWait(error.number, "the second session was lost", error.hint) from error
            raise
        except BaseException:
            wait([other])
            self._roll_back()
            raise

    def close(self) -> None:
        """End the session; never raises."""
        if self._db:
            self._db.close()
        self._db = None

    def _roll_back(self) -> None:
        if self._db:
            try:
                self._db.execute("ROLLBACK")
            except ServerError:
                self.close()
