"""Small pieces that the views share: tables, numbers, bytes, times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

RIGHT = {"#", "rows", "seconds", "data", "index", "total", "size", "on disk", "share", "rows/day", "reads", "bytes/row"}


def table(*headings: str, title: str = "") -> Table:
    """A table with these headings; columns of numbers are set to the right."""
    made = Table(title=title or None, title_justify="left", title_style="bold", box=SIMPLE_HEAD, header_style="bold")
    for heading in headings:
        made.add_column(heading, justify="right" if heading in RIGHT else "left", overflow="fold")
    return made


def number(value: float | None, estimated: bool = False) -> str:
    """A number with separators; a tilde marks an estimate; empty for None."""
    if value is None:
        return ""
    return ("~" if estimated else "") + (f"{value:,}" if isinstance(value, int) else f"{value:,.1f}")


def size(value: float | None) -> str:
    """Bytes in decimal units; empty for None."""
    if value is None:
        return ""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.2f} TB"


def when(value: datetime | None) -> str:
    """A time to the second; empty for None."""
    return value.strftime("%Y-%m-%d %H:%M:%S") if value else ""


def lasting(seconds: float | None) -> str:
    """A short time in the unit that fits, of three digits: µs, ms or s; empty for None."""
    if seconds is None:
        return ""
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if seconds * scale >= 1 or (unit == "s" and seconds == 0):
            return f"{seconds * scale:,.3g} {unit}" if seconds * scale < 1000 else f"{seconds * scale:,.0f} {unit}"
    return f"{seconds * 1e6:,.0f} µs"


BARS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float | None], width: int = 16) -> str:
    """A line of bars, the last `width` values between their least and their greatest; empty for fewer than two."""
    known = [value for value in values[-width:] if value is not None]
    if len(known) < 2:
        return ""
    least, span = min(known), (max(known) - min(known)) or 1
    return "".join(BARS[int((value - least) / span * (len(BARS) - 1))] for value in known)


@dataclass(frozen=True)
class Fit:
    """What is drawn otherwise by the width, in columns, that there is."""

    draw: Callable[[int], RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        yield self.draw(options.max_width)


def findings(found: Sequence[Mapping[str, str]]) -> Iterator[RenderableType]:
    """The table of findings, each with the statement that mends it; nothing when there are none."""
    if not found:
        return
    made = table("check", "object", "expected", "actual", title="Findings")
    for finding in found:
        made.add_row(finding["check"], finding["object"], finding["expected"], Text(finding["actual"], "red"))
    yield made
    hints = [finding["hint"] for finding in found if finding["hint"]]
    if hints:
        yield Text("What would mend it:", "bold")
        for hint in dict.fromkeys(hints):
            yield Text(f"  {hint}")
