"""A run's events on stderr: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from rlops import events

PLAIN_EVERY = 5.0  # seconds between two lines of progress off a terminal


class Progress:
    """Draws events; one bar for the step that runs."""

    def __init__(self, console: Console, *, bars: bool) -> None:
        self.console, self.bars = console, bars
        self.rich = RichProgress(
            SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}", markup=False),
            TextColumn("{task.fields[why]}", style="yellow", markup=False),
            console=console, transient=True, disable=not bars,
        )  # fmt: skip
        self.task: Any = None
        self.last_line: dict[type, float] = {}

    def __enter__(self) -> Progress:
        self.rich.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rich.stop()

    def draw(self, event: events.Event) -> None:
        """Draw one event."""
        if isinstance(event, events.StepStarted):
            self._started(event)
        elif isinstance(event, events.Progress):
            self._progress(event)
        elif isinstance(event, events.Waiting):
            self._waiting(event)
        elif isinstance(event, events.Doing):
            self._doing(event)
        elif isinstance(event, events.StepEnded):
            if self.task is not None:
                self.rich.remove_task(self.task)
                self.task = None
            if self.bars:
                return  # the table of steps says it on stdout
            mark = "ok" if event.status == "done" else event.status
            self.console.print(
                Text(f"[{event.number}/{event.count}] {event.name}: {mark} ({event.seconds:.2f} s)", "dim"),
                soft_wrap=True,
            )

    def _started(self, event: events.StepStarted) -> None:
        self.last_line[events.Doing] = time.monotonic()  # a chunk that is done by the time of the first line needs none
        if self.bars:
            self.task = self.rich.add_task(event.name, total=None, pace="", why="")

    def _progress(self, event: events.Progress) -> None:
        pace = f"{event.rate:,.0f} rows/s{_to_go(event)}"
        pace += "" if event.chunk is None else f", chunk {event.chunk:.2f} s"
        pace += "" if event.lag is None else f", lag {event.lag:.0f} s"
        if self.bars and self.task is not None:
            self.rich.update(self.task, completed=event.done, total=event.total, pace=pace, why="")
        elif not self.bars:
            total = f" of about {event.total:,}" if event.total else ""
            self._line(event, f"{event.name}: {event.done:,}{total} rows, {pace}")

    def _waiting(self, event: events.Waiting) -> None:
        if self.bars and self.task is not None:
            self.rich.update(self.task, why=f"waiting: {event.reason}")
        elif not self.bars:
            self._line(event, f"waiting: {event.reason}")

    def _doing(self, event: events.Doing) -> None:
        of = "" if event.total is None else f" of about {event.total:,}"
        text = f"{event.what}: {event.rows:,}{of} rows"
        if self.bars and self.task is not None:
            self.rich.update(self.task, why=text)
        elif not self.bars:
            self._line(event, text)

    def _line(self, event: events.Event, text: str) -> None:
        """A line, unless the last one of its kind is recent."""
        now = time.monotonic()
        if now - self.last_line.get(type(event), -PLAIN_EVERY) >= PLAIN_EVERY:
            self.last_line[type(event)] = now
            self.console.print(Text(text), soft_wrap=True)


def _to_go(event: events.Progress) -> str:
    """By the rate of late; the total is an estimate, and so is this."""
    if not event.total or event.rate <= 0:
        return ""
    seconds = round(max(0, event.total - event.done) / event.rate)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f", ~{f'{hours} h {minutes:02} min' if hours else f'{minutes}:{seconds % 60:02}'} to go"
