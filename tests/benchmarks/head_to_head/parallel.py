"""Two people start the same migration at the same time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from ..measure import Running, Sample
from ..servers import Place, Schema
from .projects import each, idle_reader, right, waits_for_metadata
from .verdict import NO, YES, Outcome, told

TITLE = "Two runs at the same time"
ASKED = "two parallel runs: one works, the other waits or is turned away"
NOTES = [
    "An idle transaction on `users` holds both up until they are surely side by side (MySQL; on MariaDB it holds nobody up).",
]
SIDE_BY_SIDE = 4.0  # seconds; after the first one waits, the second is there as well
PATIENCE = 60.0


def outcomes(server: Place, folder: Path) -> Iterator[Outcome]:
    for schema, project in each(server, folder):
        with project.begin(project.apply) as one, project.begin(project.apply) as two:
            with idle_reader(schema):
                _until_they_wait(schema, one, two)
            samples = [running.finish(PATIENCE) for running in (one, two)]
        samples.sort(key=lambda sample: (sample.code is None, sample.code or 0))
        fine = right(server, schema)
        good = fine and not any(_ran_too(sample) for sample in samples)
        state = "All three tables are as declared." if fine else "The tables are NOT as declared."
        text = " / ".join(told(sample) for sample in samples)
        yield Outcome(ASKED, project.tool, YES if good else NO, f"{text}. {state}")


def _ran_too(sample: Sample) -> bool:
    """Whether it ran into the other's work, or never ended."""
    return sample.code is None or "1050" in sample.output or "already exists" in sample.output


def _until_they_wait(schema: Schema, one: Running, two: Running) -> None:
    deadline = time.monotonic() + 20
    seen = False
    while time.monotonic() < deadline and not (one.ended() and two.ended()):
        if not seen and waits_for_metadata(schema):
            seen, deadline = True, time.monotonic() + SIDE_BY_SIDE
        time.sleep(0.05)
