"""What a running operation tells while it runs; render draws it on stderr."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class StepStarted:
    """A step begins; `number` counts from 1."""

    number: int
    count: int
    name: str


@dataclass(frozen=True)
class StepEnded:
    """A step ended; `seconds` is wall time."""

    number: int
    count: int
    name: str
    status: str
    seconds: float


@dataclass(frozen=True)
class Progress:
    """How far a long step has come, in rows, those of earlier runs included; `total` is an estimate or None.

    `rate` is rows a second of late, waits included; `chunk` the seconds that the last chunk took, where it is
    a transaction; `lag` the seconds that the slowest replica was behind before it, None where there is none.
    """

    name: str
    done: int
    total: int | None
    rate: float
    chunk: float | None = None
    lag: float | None = None


@dataclass(frozen=True)
class Waiting:
    """Nothing moves for the moment, and why."""

    reason: str


@dataclass(frozen=True)
class Doing:
    """What one long chunk is at, and how many rows of it are done, of about `total` (None: nobody knows)."""

    what: str
    rows: int
    total: int | None = None


Event = StepStarted | StepEnded | Progress | Waiting | Doing
Emit = Callable[[Event], None]


def silent(_: Event) -> None:
    """Draws nothing."""
