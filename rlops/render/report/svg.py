"""Plots as SVG text, by simple functions. Colours are CSS classes, so that light, dark and paper share one picture.

Lines differ by dashes and bars by patterns too, not by colour alone, and each is labelled where it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

WIDTH = 440  # units; about a phone's width, so that text stays readable there
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 14, 26
ROW = 36  # of a bar with its label above
SPAN = 52  # of marks with a label and their values above

Point = tuple[date, float]


@dataclass(frozen=True)
class Line:
    """A line through points in time; `kind` is the CSS class of its colour and dashes, `label` is written at its end."""

    label: str
    kind: str
    points: Sequence[Point]
    dots: bool = False


@dataclass(frozen=True)
class Bar:
    """A bar with a label; `kind` is the CSS class of its fill, `note` what is written beside the value."""

    label: str
    value: float
    kind: str = "one"
    note: str = ""


def figure(title: str, source: str, body: str, height: float) -> str:
    """An SVG in a figure with its caption; `title` is also what a screen reader says."""
    return (
        f'<figure><figcaption><b>{escape(title)}</b></figcaption><svg viewBox="0 0 {WIDTH} {height:.0f}" role="img"'
        f' aria-label="{escape(title)}"><title>{escape(title)}</title>{body}</svg>'
        f'<p class="source">{escape(source)}</p></figure>'
    )


def lines(drawn: Sequence[Line], form: Callable[[float], str], height: int = 250) -> str:
    """Lines over time from zero up, with a legend that shows each one's dashes. `form` writes a value."""
    shown = [line for line in drawn if line.points]
    points = [point for line in shown for point in line.points]
    first, last = min(day for day, _ in points), max(day for day, _ in points)
    top = nice(max(value for _, value in points))
    legend = 16 * len(shown)
    scale = _Scale(first, max(last, first + timedelta(days=1)), top, height, legend)
    body = [_grid(scale, top, form), _months(scale)]
    for number, line in enumerate(shown):
        path = " ".join(f"{scale.x(day):.1f},{scale.y(value):.1f}" for day, value in line.points)
        body.append(f'<polyline class="line {line.kind}" points="{path}"/>')
        if line.dots:
            body += [
                f'<circle class="dot {line.kind}" cx="{scale.x(d):.1f}" cy="{scale.y(v):.1f}" r="2"/>'
                for d, v in line.points
            ]
        at = height + 12 + 16 * number
        body.append(f'<line class="line {line.kind}" x1="{LEFT}" x2="{LEFT + 28}" y1="{at - 4}" y2="{at - 4}"/>')
        body.append(text(LEFT + 36, at, line.label))
    return "".join(body)


def columns(bars: Sequence[Bar], form: Callable[[float], str], height: int = 200) -> str:
    """Upright bars, one a month; every so many are labelled."""
    top = nice(max(bar.value for bar in bars))
    step = (WIDTH - LEFT - RIGHT) / len(bars)
    room = height - TOP - BOTTOM
    every = math.ceil(len(bars) / 6)
    body = [_rules(top, form, lambda value: height - BOTTOM - value / top * room)]
    for number, bar in enumerate(bars):
        x, tall = LEFT + number * step, bar.value / top * room
        body.append(
            f'<rect class="bar {bar.kind}" x="{x + step * 0.1:.1f}" y="{height - BOTTOM - tall:.1f}" width="{step * 0.8:.1f}"'
            f' height="{tall:.1f}"><title>{escape(bar.label)}: {escape(bar.note)}</title></rect>'
        )
        if number % every == 0:
            body.append(text(min(x + step / 2, WIDTH - 24), height - BOTTOM + 15, bar.label, "middle"))
    return "".join(body)


def rows(bars: Sequence[Bar]) -> str:
    """Lying bars, each under its label, the note at the right."""
    top = max((bar.value for bar in bars), default=0) or 1
    body = []
    for number, bar in enumerate(bars):
        y, wide = number * ROW, max(1.0, bar.value / top * (WIDTH - 4))
        body.append(text(2, y + 14, bar.label))
        body.append(text(WIDTH - 2, y + 14, bar.note, "end", "note"))
        body.append(f'<rect class="bar {bar.kind}" x="2" y="{y + 19}" width="{wide:.1f}" height="10"/>')
    return "".join(body)


def spans(items: Sequence[tuple[str, Sequence[tuple[str, float]]]], form: Callable[[float], str]) -> str:
    """For each item marks on one logarithmic axis, the first a disc, the second a diamond, and so on, with their values."""
    values = [value for _, marks in items for _, value in marks if value > 0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)

    def x(value: float) -> float:
        return 8 + (math.log10(value) - low) / (high - low) * (WIDTH - 16)

    bottom = len(items) * SPAN
    body = [
        f'<line class="rule" x1="{x(10.0**n):.1f}" x2="{x(10.0**n):.1f}" y1="18" y2="{bottom}"/>'
        for n in range(low, high + 1)
    ]
    ticks = [(n, "start" if n == low else "end" if n == high else "middle") for n in range(low, high + 1)]
    body += [text(x(10.0**n), bottom + 14, form(10.0**n), anchor) for n, anchor in ticks]
    for number, (label, marks) in enumerate(items):
        y = number * SPAN
        told = "  ".join(f"{name} {form(value)}" for name, value in marks)
        body.append(text(2, y + 13, clip(label, 50)) + text(2, y + 27, told, kind="note"))
        known = [value for _, value in marks if value > 0]
        body.append(
            f'<line class="line one" x1="{x(min(known)):.1f}" x2="{x(max(known)):.1f}" y1="{y + 38}" y2="{y + 38}"/>'
        )
        body += [_mark(shape, x(value), y + 38) for shape, (_, value) in enumerate(marks) if value > 0]
    return "".join(body)


def timeline(
    first: date, last: date, bands: Iterable[tuple[date, date, str, str]], marks: Iterable[tuple[date, str]]
) -> str:
    """Bands on one axis of time, each (from, to, CSS class, label), and marks (day, label) beneath, one a line."""
    scale = _Scale(first, max(last, first + timedelta(days=1)), 1, 90, 0, left=8)
    body = []
    for number, (begins, ends, kind, label) in enumerate(bands):
        body.append(f'<rect class="bar {kind}" x="{8 + 140 * number}" y="3" width="14" height="11"/>')
        body.append(text(28 + 140 * number, 13, label))
        x, wide = scale.x(max(begins, first)), scale.x(min(ends, last)) - scale.x(max(begins, first))
        if wide <= 0:
            continue
        body.append(f'<rect class="bar {kind}" x="{x:.1f}" y="24" width="{wide:.1f}" height="26"/>')
    for number, (day, label) in enumerate(marks):
        x, y = scale.x(day), 70 + 17 * number
        anchor = "end" if x > WIDTH / 2 else "start"
        body.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="22" y2="{y - 2}"/>')
        body.append(text(x + (-5 if anchor == "end" else 5), y, label, anchor))
    return "".join(body)


def text(x: float, y: float, said: str, anchor: str = "start", kind: str = "") -> str:
    """A line of text."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'


def clip(said: str, most: int) -> str:
    """At most so many characters."""
    said = " ".join(said.split())
    return said if len(said) <= most else said[: most - 1] + "…"


def nice(value: float) -> float:
    """The next number whose quarters are round."""
    if value <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return float(next(step * power for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if step * power >= value))


@dataclass(frozen=True)
class _Scale:
    first: date
    last: date
    top: float
    height: int
    legend: int
    left: int = LEFT

    def x(self, day: date) -> float:
        share = (day - self.first).days / (self.last - self.first).days
        return self.left + share * (WIDTH - self.left - RIGHT)

    def y(self, value: float) -> float:
        return self.height - BOTTOM - value / self.top * (self.height - TOP - BOTTOM)


def _grid(scale: _Scale, top: float, form: Callable[[float], str]) -> str:
    return _rules(top, form, scale.y)


def _rules(top: float, form: Callable[[float], str], y: Callable[[float], float]) -> str:
    values = [top * part / 4 for part in range(5)]
    drawn = [f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>' for v in values]
    return "".join([*drawn, *(text(LEFT - 6, y(v) + 4, form(v), "end") for v in values)])


def _months(scale: _Scale) -> str:
    span = (scale.last - scale.first).days
    days = [scale.first + timedelta(days=span * part // 4) for part in range(5)]
    anchors = ("start", "middle", "middle", "middle", "end")
    return "".join(
        text(scale.x(d), scale.height - BOTTOM + 15, f"{d:%Y-%m}", a) for d, a in zip(days, anchors, strict=True)
    )


def _mark(shape: int, x: float, y: float) -> str:
    if shape == 0:
        return f'<circle class="dot one" cx="{x:.1f}" cy="{y}" r="4"/>'
    if shape == 1:
        return f'<rect class="dot two" x="{x - 4:.1f}" y="{y - 4}" width="8" height="8" transform="rotate(45 {x:.1f} {y})"/>'
    return f'<rect class="dot three" x="{x - 2:.1f}" y="{y - 6}" width="4" height="12"/>'
