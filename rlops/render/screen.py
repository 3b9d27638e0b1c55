"""stdout and stderr: where tables, notes, questions and errors are drawn."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rlops import events
from rlops.errors import Exit, RlopsError
from rlops.plan import Answer, Plan, StepResult
from rlops.render.progress import Progress
from rlops.words import counted

PIPE_WIDTH = 200  # columns; rich would cut a pipe to 80
COLOURS = {
    "done": "green",
    "stopped": "yellow",
    "planned": "cyan",
    "failed": "bold red",
    "unknown": "bold red",
    "untouched": "dim",
    "skipped": "dim",
}

HOW = {"new": "a new table", "instant": "instant", "inplace": "in place", "copy": "copies the table; writers wait"}

View = Callable[[Answer], Iterator[RenderableType]]


class Output(Enum):
    """What stdout carries."""

    TABLE = "table"
    JSON = "json"
    PROMETHEUS = "prometheus"
    NAGIOS = "nagios"


def _console(stream: Any, no_color: bool) -> Console:
    # NO_COLOR counts when it is not empty; FORCE_COLOR would make rich take a pipe for a terminal.
    environ = {key: value for key, value in os.environ.items() if key != "FORCE_COLOR"}
    if not re.fullmatch("0*[1-9][0-9]*", environ.get("COLUMNS", "")):
        environ.pop("COLUMNS", None)
    terminal = stream.isatty()
    plain = no_color or bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    return Console(
        file=stream, no_color=plain, markup=False, highlight=False, emoji=False, force_terminal=terminal,
        width=None if terminal else int(environ.get("COLUMNS", PIPE_WIDTH)), _environ=environ,
    )  # fmt: skip


class Screen:
    """Draws on both streams; stdout carries the answer alone."""

    def __init__(self, output: Output, *, quiet: bool, verbose: bool, no_color: bool) -> None:
        self.output, self.quiet, self.verbose = output, quiet, verbose
        self.out = _console(sys.stdout, no_color)
        self.err = _console(sys.stderr, no_color)

    def write(self, text: str) -> None:
        """Write one document for programs to stdout."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """A remark on stderr."""
        if not self.quiet:
            self.err.print(Text(f"note: {text}", "dim"))

    def ask(self, question: str) -> str:
        """Ask on stderr and read a line from stdin."""
        self.err.print(Text(question, "bold"), end="")
        return sys.stdin.readline().strip()

    def error(self, error: RlopsError) -> None:
        """What happened and what to type next, on stderr."""
        colour = "yellow" if error.exit in (Exit.REFUSED, Exit.BLOCKED, Exit.INTERRUPTED, Exit.FINDINGS) else "red"
        self.err.print(Text.assemble((f"{error.exit.status}: ", f"bold {colour}"), error.message), soft_wrap=True)
        if error.hint:
            self.err.print(Text.assemble(("next: ", "bold"), error.hint), soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[events.Emit]:
        """Draw a run's events on stderr while the block runs."""
        if self.quiet:
            yield events.silent
            return
        with Progress(self.err, bars=self.err.is_terminal) as progress:
            yield progress.draw

    @contextmanager
    def live(self, view: View) -> Iterator[Callable[[Answer], None]]:
        """Draw one answer over the other on a terminal, in a screen of its own, as `view` draws them."""
        with Live(console=self.out, screen=True, auto_refresh=False) as drawn:

            def draw(answer: Answer) -> None:
                trouble = [Text(f"{answer.error.message}. {answer.error.hint}", "bold red")] if answer.error else []
                drawn.update(Group(*trouble, *(view(answer) if answer.data else ())), refresh=True)

            yield draw

    def plan(self, plan: Plan) -> None:
        """Show on stderr what is about to happen, before the question."""
        for note in plan.notes:
            self.err.print(Text(f"- {note}"))
        for number, step in enumerate(plan.steps, 1):
            self.err.print(Text(f"{number}. {step.name}"))

    def answer(self, answer: Answer, view: View | None) -> None:
        """The answer on stdout: headline, the command's own tables, steps, notes, the next command."""
        if view:
            for renderable in view(answer):
                self.out.print(renderable)
        if answer.steps:
            self._steps(answer)
        for note in answer.notes:
            self.out.print(Text(f"- {note}"), soft_wrap=True)
        if answer.dry_run:
            plan = f"Plan {answer.plan_hash}: " if answer.plan_hash else ""
            what = f"{plan}{counted(len(answer.steps), 'step')}" if answer.steps else "Nothing to do"
            self.out.print(Text(f"{what}; nothing was written.", "bold cyan"))
        if answer.headline:
            colour = "green" if answer.exit is Exit.OK else "yellow"
            self.out.print(Text(answer.headline, f"bold {colour}"), soft_wrap=True)
        if answer.next:
            self.out.print(Text.assemble(("next: ", "bold"), answer.next), soft_wrap=True)

    def _steps(self, answer: Answer) -> None:
        if answer.dry_run or self.verbose:
            for number, step in enumerate(answer.steps, 1):
                self._statement(number, step)
        if answer.dry_run:
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("#", "step", "status", "rows", "seconds"):
            table.add_column(heading, justify="right" if heading in ("#", "rows", "seconds") else "left")
        for number, step in enumerate(answer.steps, 1):
            seconds = "" if step.seconds is None else f"{step.seconds:.2f}"
            rows = "" if step.rows is None else f"{step.rows:,}"
            table.add_row(str(number), step.name, Text(step.status, COLOURS[step.status]), rows, seconds)
        self.out.print(table)

    def _statement(self, number: int, step: StepResult) -> None:
        self.out.print(Text(f"-- {number}. {step.name} ({step.file}.sql)", "bold"))
        how = HOW.get(step.algorithm, "")
        for label, text in (("needs", step.needs), ("locks", step.locks), ("how", how)):
            if text:
                self.out.print(Text(f"-- {label}: {text}", "dim"), soft_wrap=True)
        self.out.print(_coloured(step.sql + ";") if self.out.is_terminal else Text(step.sql + ";"), soft_wrap=True)


def _coloured(sql: str) -> RenderableType:
    from rich.syntax import Syntax  # with Pygments, which takes long to import and is rarely wanted

    return Syntax(sql, "mysql", theme="ansi_dark", background_color="default")
