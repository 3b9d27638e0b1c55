"""Ctrl-C and SIGTERM during a writing run: noted at once, obeyed between two statements."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether somebody asked this run to stop."""

    def __init__(self) -> None:
        self.requested = False

    def note(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Signal handler."""
        self.requested = True


@contextmanager
def deferred() -> Iterator[StopRequest]:
    """Inside the block, Ctrl-C and SIGTERM only set a flag; statements and chunks are finished."""
    stop = StopRequest()
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
