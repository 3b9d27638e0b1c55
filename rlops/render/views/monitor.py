"""The tables of `rlops monitor`: the verdict first, then what to do; estimates marked with a tilde, sources beneath."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from rlops.plan import Answer
from rlops.render.cells import Fit, number, size, spark, table, when
from rlops.render.views import monitor_detail as detail
from rlops.words import counted

Data = Mapping[str, Any]
COLOURS = {"critical": "bold red", "warning": "bold yellow", "advice": "cyan", "ok": "bold green", "unknown": "bold"}
WORDS = {"ok": "healthy", "unknown": "nothing to look at"}
NARROW, WIDE = 76, 100  # columns


def view(answer: Answer) -> Iterator[RenderableType]:
    """The verdict, what to do, then tables, growth, retention, rows, sessions, indexes, statements, and the sources."""
    data = answer.data
    yield from first(data)
    if data["tables"]:
        yield from _tables(data)
        yield from detail.partitions(data["partitions"])
        yield from _growth(data)
        yield from detail.facts(data)
    yield from detail.sessions(data["sessions"])
    yield from detail.indexes(data["indexes"])
    yield from detail.statements(data["statements"])
    yield from detail.probes(data)


def watch(answer: Answer) -> Iterator[RenderableType]:
    """What changes from one look to the next, in one screen."""
    data = answer.data
    yield from first({**data, "findings": [problem for problem in data["findings"] if problem["level"] != "advice"]})
    yield from _tables(data, data["changes"])
    yield from detail.facts(data)
    yield from detail.sessions(data["sessions"])
    yield from detail.statements(data["statements"][:5])
    yield Text(f"{when(data['measured_at'])} UTC; Ctrl-C ends it", "dim")


def first(data: Data) -> Iterator[RenderableType]:
    """The verdict, and beneath it each problem with what to type."""
    level = data["verdict"]
    yield Text.assemble((WORDS.get(level) or str(level), COLOURS[level]), (": " + verdict(data), "bold"))
    if data["findings"]:
        yield _problems(data["findings"])


def _problems(problems: Sequence[Data]) -> Table:
    made = Table.grid(padding=(0, 1))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for problem in problems:
        told = Text.assemble((problem["object"], "bold"), f": {problem['message']}")
        if problem["command"]:
            told.append(f"\n-> {problem['command']}", "cyan")
        made.add_row(Text(f"  {problem['level']}", COLOURS[problem["level"]]), told)
    return made


def verdict(data: Data) -> str:
    """One line: how many problems, how much there is, how it grows, and whether the plan holds."""
    if not data["tables"]:
        return "none of the recommender's tables exists here, or this account sees none of them"
    bad = [problem for problem in data["findings"] if problem["level"] != "advice"]
    begin = f"{counted(len(bad), 'problem')}; " if bad else ""
    growth = data["growth"]
    if growth["bytes_per_year"] is None:
        return f"{begin}{_total(data['tables'])}; growth unknown: {growth['reason']}"
    plan, times = size(growth["planned_bytes_per_year"]), growth["times_plan"]
    against = f"{times:,.1f} times the plan of {plan}" if times > 1 else f"{times:.1%} of the plan of {plan}"
    return f"{begin}{_total(data['tables'])}, growing at {_about(growth['bytes_per_year'])} a year, {against}"


def _total(tables: Sequence[Data]) -> str:
    disk = [each["file_bytes"] for each in tables]
    if None not in disk:
        return f"{size(sum(disk))} on disk"
    return (
        f"{_about(sum((each['data_bytes'] or 0) + (each['index_bytes'] or 0) for each in tables))} of data and indexes"
    )


def _about(value: float | None, estimated: bool = True) -> str:
    return "" if value is None else ("~" if estimated else "") + size(value)


def _tables(data: Data, changes: Data | None = None) -> Iterator[RenderableType]:
    if data["tables"]:
        yield Fit(lambda width: _table_of_tables(data, changes, width))


def _table_of_tables(data: Data, changes: Data | None, width: int) -> Table:
    series = data["recorded"]["series"]
    more = ("bytes/row", "trend") if series else ("bytes/row",)
    title = f"Tables, with what changed since {changes['since']:%H:%M:%S} UTC" if changes else "Tables"
    narrow = width < (WIDE if changes else NARROW)
    headings = ("rows", "on disk") if narrow else ("rows", "data", "index", "free", "on disk")
    made = table("table", *headings, *(more if width >= WIDE else ()), title=title)
    for column in made.columns[1:]:
        column.no_wrap, column.justify = True, "right"
    for each in data["tables"]:
        estimated, changed = each["sizes_estimated"], (changes["tables"].get(each["name"], {}) if changes else {})
        cells = {
            "rows": number(each["rows"], each["rows_estimated"]) + _delta(changed.get("rows"), number),
            "data": _about(each["data_bytes"], estimated),
            "index": _about(each["index_bytes"], estimated),
            "free": _about(each["free_bytes"], True),
            "on disk": (size(each["file_bytes"]) or "unknown") + _delta(changed.get("bytes"), size),
            "bytes/row": number(each["bytes_per_row"], True),
            "trend": spark([point["tables"].get(each["name"], {}).get("bytes") for point in series]),
        }
        made.add_row(each["name"], *(cells[column.header] for column in made.columns[1:]))  # type: ignore[index]
    return made


def _delta(value: int | None, form: Any) -> str:
    return "" if not value else f" ({'+' if value > 0 else '-'}{form(abs(value))})"


def _growth(data: Data) -> Iterator[RenderableType]:
    growth = data["growth"]
    recorded, forecast = growth["recorded"], data["forecast"]
    headings = ("", "measured", "planned", *(("recorded",) if recorded else ()))
    made = table(*headings, title="Growth of the interactions, before retention")
    for column in made.columns[1:]:
        column.justify = "right"
    planned_rows, planned_year = growth["planned_rows_per_day"], growth["planned_bytes_per_year"]
    per_row = planned_year / planned_rows / 365 if planned_rows else None
    rows = growth["rows_per_day"]
    measured = "unknown" if rows is None else number(rows, growth["rows_per_day_estimated"])
    year = recorded and recorded["bytes_per_day"] is not None and recorded["bytes_per_day"] * 365
    lines = (
        ("rows a day", measured, number(planned_rows), number(recorded["rows_per_day"], True) if recorded else ""),
        ("bytes a row", number(growth["bytes_per_row"], True) or "unknown", number(per_row), ""),
        ("bytes a year", _about(growth["bytes_per_year"]) or "unknown", size(planned_year), _about(year or None)),
        ("newest row", when(growth["newest"]) or "none", "", ""),
    )
    for line in lines:
        made.add_row(*line[: len(headings)])
    yield made
    if len(data["months"]) > 1:
        counts = [month["rows"] for month in data["months"]]
        yield Text(f"  {data['months'][0]['month']} {spark(counts, 60)} {data['months'][-1]['month']}, rows a month")
    sources = [growth["source"], growth["bytes_per_row_source"], growth["reason"], _forecast(forecast)]
    if recorded:
        sources.insert(
            2,
            f"recorded: {counted(recorded['snapshots'], 'snapshot')} over {recorded['days']:,.1f} days; removed rows are off",
        )
    yield from (Text(f"  {text}", "dim") for text in sources if text)


def _forecast(forecast: Data) -> str:
    if forecast["bytes_per_day"] is None:
        return ""
    if forecast["days"] is not None:
        what = (
            "the disk is full"
            if forecast["limit"] == "disk"
            else f"the planned {size(forecast['limit_bytes'])} are used up"
        )
        return f"forecast: {what} on {forecast['date']}"
    if forecast["levels_off"] is None:
        return f"forecast: the planned {size(forecast['limit_bytes'])} last for more than a century"
    top, limit = _about(forecast["levels_off_at_bytes"]), size(forecast["limit_bytes"])
    return f"forecast: levels off at {top} on {forecast['levels_off']}, when the oldest rows go; planned are {limit}"
