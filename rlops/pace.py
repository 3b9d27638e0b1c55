"""How many rows the next chunk takes, so that each transaction stays short."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Pace:
    """Adapts a chunk's size to a target time: grows by half at most, shrinks at once.

    Times are seconds, sizes are rows.
    """

    size: int = 1000
    target: float = 0.25
    least: int = 100
    most: int = 10_000

    def took(self, seconds: float) -> None:
        """Take note of how long the last chunk took."""
        factor = min(1.5, self.target / max(seconds, 0.001))
        self.size = max(self.least, min(self.most, int(self.size * factor)))

    def refused(self) -> None:
        """Take note of a deadlock or a lock wait."""
        self.size = max(self.least, self.size // 2)
