"""The tables of `rlops monitor`: the verdict first, estimates marked with a tilde, sources beneath."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from rlops.plan import Answer
from rlops.render.cells import number, size, table, when

STATUS = {"ok": "green", "denied": "yellow", "unavailable": "yellow", "unsupported": "dim"}
Data = Mapping[str, Any]


def view(answer: Answer) -> Iterator[RenderableType]:
    """The verdict, then tables, growth, indexes, statements, and where it all comes from."""
    data = answer.data
    yield Text(verdict(data), "bold green" if answer.exit == 0 and data["tables"] else "bold yellow")
    if data["tables"]:
        yield from _tables(data)
        yield from _growth(data["growth"])
    if data["indexes"]:
        yield _indexes(data["indexes"])
    if data["statements"]:
        yield _statements(data["statements"])
    yield from _foreign_keys(data["foreign_keys"])
    yield _probes(data["probes"])


def verdict(data: Data) -> str:
    """One line: how much there is, how it grows, and whether the plan holds."""
    if not data["tables"]:
        return "none of the recommender's tables exists here, or this account sees none of them"
    growth = data["growth"]
    if growth["bytes_per_year"] is None:
        return f"{_total(data['tables'])}; growth unknown: {growth['reason']}"
    plan, times = size(growth["planned_bytes_per_year"]), growth["times_plan"]
    against = f"{times:,.1f} times the plan of {plan}" if times > 1 else f"{times:.1%} of the plan of {plan}"
    return f"{_total(data['tables'])}, growing at {_about(growth['bytes_per_year'])} a year, {against}"


def _total(tables: list[Data]) -> str:
    disk = [each["file_bytes"] for each in tables]
    if None not in disk:
        return f"{size(sum(disk))} on disk"
    return f"{_about(sum(each['data_bytes'] + each['index_bytes'] for each in tables))} of data and indexes"


def _about(value: float | None, estimated: bool = True) -> str:
    return "" if value is None else ("~" if estimated else "") + size(value)


def _tables(data: Data) -> Iterator[RenderableType]:
    made = table("table", "rows", "data", "index", "on disk", title="Tables")
    for column in made.columns[1:]:
        column.no_wrap = True
    for each in data["tables"]:
        estimated = each["sizes_estimated"]
        made.add_row(
            each["name"],
            number(each["rows"], each["rows_estimated"]),
            _about(each["data_bytes"], estimated),
            _about(each["index_bytes"], estimated),
            size(each["file_bytes"]) or "unknown",
        )
    yield made


def _growth(growth: Data) -> Iterator[RenderableType]:
    made = table("", "measured", "planned", title="Growth of the interactions, before retention")
    made.columns[1].justify = made.columns[2].justify = "right"
    planned_rows, planned_year = growth["planned_rows_per_day"], growth["planned_bytes_per_year"]
    per_row = planned_year / planned_rows / 365 if planned_rows else None
    rows = growth["rows_per_day"]
    measured = "unknown" if rows is None else number(rows, growth["rows_per_day_estimated"])
    made.add_row("rows a day", measured, number(planned_rows))
    made.add_row("bytes a row", number(growth["bytes_per_row"], True) or "unknown", number(per_row))
    made.add_row("bytes a year", _about(growth["bytes_per_year"]) or "unknown", size(planned_year))
    made.add_row("newest row", when(growth["newest"]) or "none", "")
    yield made
    for text in (growth["source"], growth["bytes_per_row_source"], growth["reason"]):
        if text:
            yield Text(f"  {text}", "dim")


def _indexes(indexes: list[Data]) -> Table:
    made = table("index", "columns", "reads", "remark", title="Indexes")
    made.columns[0].justify, made.columns[0].no_wrap = "left", True
    last = None
    for index in indexes:
        if index["table"] != last:
            last = index["table"]
            made.add_row(Text(last, "bold"))
        reads = "unknown" if index["reads"] is None else number(index["reads"])
        made.add_row(f"  {index['name']}", ", ".join(index["columns"]), reads, _remark(index))
    return made


def _remark(index: Data) -> str:
    if index["redundant_with"]:
        return f"redundant with {index['redundant_with']}"
    if index["needed_by"]:
        return str(index["needed_by"]).split(" ")[0] if "foreign" not in index["needed_by"] else "foreign key"
    return "no reads so far" if index["used"] is False else ""


def _statements(statements: list[Data]) -> Table:
    made = table("total s", "runs", "mean s", "statement", title="Statements that took the most time")
    for column in made.columns[:3]:
        column.justify, column.no_wrap = "right", True
    for each in statements:
        total, mean = f"{each['total_seconds']:,.2f}", f"{each['mean_seconds']:,.4f}"
        made.add_row(total, number(each["executions"]), mean, _line(each["statement"]))
    return made


def _line(statement: str) -> Text:
    return Text(" ".join(statement.split()), no_wrap=True, overflow="ellipsis")


def _foreign_keys(foreign_keys: Data) -> Iterator[RenderableType]:
    errors = foreign_keys["errors"]
    if errors["source"]:
        child, parent = errors["child_refused"], errors["parent_refused"]
        text = f"Foreign keys refused {number(child)} rows and {number(parent)} deletes of a parent, server-wide"
        yield Text(text, "bold" if child or parent else "")


def _probes(probes: list[Data]) -> Table:
    made = table("probe", "status", "source, or what it needs", title="Sources")
    for probe in probes:
        text = probe["source"] if probe["status"] == "ok" else probe["needs"]
        made.add_row(probe["name"], Text(probe["status"], STATUS[probe["status"]]), text)
    return made
