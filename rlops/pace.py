"""How many rows the next chunk takes, so that each transaction stays short."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

RECENT = 10  # chunks that the 90th percentile is taken of
FIXED = 100  # rows that cost about as much time as a chunk's own statements, which it has at any size
GROWTH = 1.5  # a chunk's size in parts of the one before, at most
LONG = 2.0  # a chunk of so many target times is not waited out: the next one shrinks by it alone


@dataclass
class Pace:
    """Adapts a chunk's size to a target time, by the 90th percentile of what a row of the recent chunks cost.

    Times are seconds, sizes are rows. Without a share for what costs the same at any size, a chunk that was made small
    on a busy server would stay so: its few rows would seem too dear for more of them.
    """

    target: float = 0.3
    size: int = 1000
    least: int = 10
    most: int = 10_000
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def took(self, rows: int, seconds: float) -> None:
        """Take note of how long the last chunk took for its rows, those that it only looked at included."""
        if rows <= 0:
            return
        cost = max(seconds, 0.0001) / (rows + FIXED)
        self.recent.append(cost)
        ordered = sorted(self.recent)
        slow = ordered[(len(ordered) * 9 - 1) // 10]
        if seconds > LONG * self.target:
            slow = max(slow, cost)
        self._set(min(self.target / slow - FIXED, self.size * GROWTH))

    def refused(self) -> None:
        """Take note of a deadlock or a lock wait: a smaller chunk meets fewer locks."""
        self._set(self.size / 2)

    def _set(self, size: float) -> None:
        self.size = max(self.least, min(self.most, int(size)))
