"""A run's events on stderr: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from rlops import events

PLAIN_EVERY = 5.0  # seconds between two lines of progress off a terminal


class Progress:
    """Draws events; one bar for the step that runs."""

    def __init__(self, console: Console, *, bars: bool) -> None:
        self.console, self.bars = console, bars
        self.rich = RichProgress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(), TextColumn("{task.fields[why]}"),
            console=console, transient=True, disable=not bars,
        )  # fmt: skip
        self.task: Any = None
        self.last_line = -PLAIN_EVERY

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
        if self.bars:
            self.task = self.rich.add_task(event.name, total=None, rate="", why="")

    def _progress(self, event: events.Progress) -> None:
        rate = event.done / event.seconds if event.seconds > 0 else 0.0
        if self.bars and self.task is not None:
            self.rich.update(self.task, completed=event.done, total=event.total, rate=f"{rate:,.0f} rows/s", why="")
        elif not self.bars and time.monotonic() - self.last_line > PLAIN_EVERY:
            self.last_line = time.monotonic()
            total = f" of about {event.total:,}" if event.total else ""
            left = f", {max(0, event.total - event.done) / rate:,.0f} s to go" if event.total and rate else ""
            self.console.print(
                Text(f"{event.name}: {event.done:,}{total} rows, {rate:,.0f} rows/s{left}"), soft_wrap=True
            )

    def _waiting(self, event: events.Waiting) -> None:
        if self.bars and self.task is not None:
            self.rich.update(self.task, why=event.reason)
        elif time.monotonic() - self.last_line > PLAIN_EVERY:
            self.last_line = time.monotonic()
            self.console.print(Text(f"waiting: {event.reason}"), soft_wrap=True)
