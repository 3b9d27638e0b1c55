"""Ctrl-C and SIGTERM during a writing run: noted at once, obeyed between two statements."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether somebody asked this run to stop, and once more while it waited for an answer that nobody waits for any more."""

    def __init__(self, hang_up: Callable[[], bool] = lambda: False) -> None:
        """`hang_up` ends the wait for the server's answer, and says whether there was one."""
        self.requested, self.insisted = False, False
        self._hang_up = hang_up

    def note(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Signal handler."""
        if self.requested and self._hang_up():
            self.insisted = True
        self.requested = True


@contextmanager
def deferred(hang_up: Callable[[], bool] = lambda: False) -> Iterator[StopRequest]:
    """Inside the block, Ctrl-C and SIGTERM only set a flag; statements and chunks are finished. A second one hangs up."""
    stop = StopRequest(hang_up)
    previous = {number: signal.signal(number, stop.note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def ignored() -> None:
    """From here to the end of the process Ctrl-C and SIGTERM change nothing: the answer is being told."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
