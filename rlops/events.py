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
    """How far a long step has come, in rows; `total` is an estimate or None."""

    name: str
    done: int
    total: int | None
    seconds: float


@dataclass(frozen=True)
class Waiting:
    """Nothing moves for the moment, and why."""

    reason: str


Event = StepStarted | StepEnded | Progress | Waiting
Emit = Callable[[Event], None]


def silent(_: Event) -> None:
    """Draws nothing."""
