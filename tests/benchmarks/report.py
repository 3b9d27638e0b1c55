"""Tables for the terminal and for the README."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Console
from rich.table import Table as RichTable


@dataclass
class Table:
    """What a benchmark found: one line a case. `notes` say what the figures mean, and what could not be measured."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, *cells: object) -> None:
        self.rows.append(tuple(map(str, cells)))


def say(text: str) -> None:
    """One line of progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def show(table: Table, *, markdown: bool) -> None:
    """Print the table on stdout."""
    if markdown:
        print(_markdown(table), flush=True)
        return
    width = None if sys.stdout.isatty() else 180
    console = Console(markup=False, highlight=False, width=width)
    drawn = RichTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD, show_lines=_wordy(table))
    for number, column in enumerate(table.columns):
        drawn.add_column(column, overflow="fold", justify="right" if number and _numeric(table, number) else "left")
    for row in table.rows:
        drawn.add_row(*row)
    console.print(drawn)
    for note in table.notes:
        console.print(f"  {note}")
    console.print()


def _markdown(table: Table) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", "<br>") for cell in cells) + " |"

    rule = ["---:" if number and _numeric(table, number) else "---" for number in range(len(table.columns))]
    lines = [f"**{table.title}**", "", line(table.columns), line(rule), *map(line, table.rows)]
    notes = [""] + [f"- {note}" for note in table.notes] if table.notes else []
    return "\n".join([*lines, *notes, ""])


def _numeric(table: Table, number: int) -> bool:
    return all(row[number][:1].isdigit() or row[number][:1] in "–-" for row in table.rows)


def _wordy(table: Table) -> bool:
    return any(len(cell) > 60 for row in table.rows for cell in row)
