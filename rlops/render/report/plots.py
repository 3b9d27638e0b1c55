"""The report's plots: growth against plan, size by month, retention, index use, statement times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from rlops.render.cells import lasting, number, size
from rlops.render.report import svg
from rlops.render.views.monitor_detail import remark

Data = Mapping[str, Any]
INTERACTIONS = "user_product_interactions"
AHEAD = 365  # days of forecast that are drawn
FEW = 8  # statements
FAR = 12  # times what is there: a plan beyond would press everything else flat


def plots(data: Data) -> Iterator[str]:
    """Each plot that there are numbers for."""
    for plot in (_growth, _months, _retention, _indexes, _statements):
        if drawn := plot(data):
            yield drawn


def _growth(data: Data) -> str:
    forecast, growth = data["forecast"], data["growth"]
    today, oldest = data["measured_at"].date(), growth["oldest"] and growth["oldest"].date()
    used, per_day = forecast["used_bytes"], forecast["bytes_per_day"]
    if used is None or per_day is None or oldest is None:
        return ""
    end = today + timedelta(days=AHEAD)
    planned = growth["planned_bytes_per_year"] / 365
    drawn = [
        svg.Line("on disk, by the rows of each month", "one", _held(data["months"], used, today)),
        svg.Line("recorded snapshots", "two", _recorded(data), dots=True),
        svg.Line("forecast, as it grows now", "three", _ahead(forecast, today, end)),
        svg.Line(
            f"planned: {size(growth['planned_bytes_per_year'])} a year", "four",
            [(oldest, 0.0), (end, planned * (end - oldest).days)],
        ),
    ]  # fmt: skip
    own = max(value for line in drawn[:3] for _, value in line.points)
    planned_top = max(drawn[3].points[-1][1], forecast["limit_bytes"])
    about = f"{growth['source']}; {growth['bytes_per_row_source']}"
    if planned_top > FAR * own:
        about += f"; the planned {size(growth['planned_bytes_per_year'])} a year are far above this picture"
        drawn.pop()
    elif forecast["limit_bytes"] < FAR * own:
        drawn.append(
            svg.Line(
                f"the planned room, {size(forecast['limit_bytes'])}",
                "five",
                [(oldest, forecast["limit_bytes"]), (end, forecast["limit_bytes"])],
            )
        )
    legend = 16 * sum(bool(line.points) for line in drawn)
    title = "Growth of the interactions against the plan"
    return svg.figure(title, about, svg.lines(drawn, _brief), 250 + legend + 4)


def _held(months: Sequence[Data], used: int, today: date) -> list[svg.Point]:
    """What was held at the end of each month, the present size shared out by rows: what is gone by now is not in it."""
    total = sum(month["rows"] or 0 for month in months) or 1
    points, rows = [], 0
    for month in months:
        begins = date.fromisoformat(month["month"] + "-01")
        points.append((begins, used * rows / total))
        rows += month["rows"] or 0
    return [*points, (today, float(used))]


def _recorded(data: Data) -> list[svg.Point]:
    found = [
        (point["at"].date(), point["tables"].get(INTERACTIONS, {}).get("bytes")) for point in data["recorded"]["series"]
    ]
    return [(day, float(value)) for day, value in found if value is not None]


def _ahead(forecast: Data, today: date, end: date) -> list[svg.Point]:
    used, per_day = forecast["used_bytes"], forecast["bytes_per_day"]
    points = [(today, float(used))]
    if forecast["levels_off"] and forecast["levels_off"] < end:
        points.append((forecast["levels_off"], float(forecast["levels_off_at_bytes"])))
        return [*points, (end, float(forecast["levels_off_at_bytes"]))]
    return [*points, (end, max(0.0, used + per_day * (end - today).days))]


def _months(data: Data) -> str:
    months, per_row = data["months"], data["growth"]["bytes_per_row"]
    if not any(month["rows"] for month in months):
        return ""
    edge, colder = (f"{data['retention'][key]:%Y-%m}" for key in ("cutoff", "archive_cutoff"))
    held = {month["month"] for month in data["retention"]["archived_months"] or () if month["held"]}
    bars = []
    for month in months:
        due = month["month"] < edge and month["month"] not in held
        kind = "due" if due else "cold" if month["month"] < colder else "one"
        value = (month["rows"] or 0) * (per_row or 1)
        note = f"{number(month['rows'], month['rows_estimated'])} rows" + (f", ~{size(value)}" if per_row else "")
        bars.append(svg.Bar(month["month"], value, kind, note))
    how = "rows of each month times bytes a row" if per_row else "rows of each month"
    form = _brief if per_row else _count
    title = f"{'Size' if per_row else 'Rows'} by month: striped is due to be removed, pale is due for cold storage"
    return svg.figure(title, how, svg.columns(bars, form), 200)


def _brief(value: float) -> str:
    return size(value).replace(".0 ", " ")


def _count(value: float) -> str:
    return number(int(value))


def _retention(data: Data) -> str:
    late = data["retention"]
    if late["oldest"] is None:
        return ""
    today, oldest = data["measured_at"].date(), late["oldest"].date()
    edge, colder = _day(late["cutoff"]), _day(late["archive_cutoff"])
    first = min(oldest, edge) - timedelta(days=10)
    bands = [
        (oldest, edge, "due", "to be removed"),
        (max(edge, oldest), colder, "cold", "for cold storage"),
        (max(colder, oldest), today, "one", "kept"),
    ]
    marks = [
        (oldest, f"oldest row {oldest}"), (edge, f"removed before {edge}"), (colder, f"cold storage before {colder}"),
        (today, f"today {today}"),
    ]  # fmt: skip
    said = f"{number(late['rows_due'], late['rows_due_estimated'])} rows are due to be removed, {late['days_late']} days late"
    return svg.figure("Retention", said, svg.timeline(first, today, bands, marks), 66 + 17 * len(marks))


def _day(time: datetime) -> date:
    return time.date()


def _indexes(data: Data) -> str:
    known = [index for index in data["indexes"] if index["bytes"] is not None and index["table"] == INTERACTIONS]
    if not known:
        return ""
    bars = []
    for index in sorted(known, key=lambda each: -each["bytes"])[:12]:
        spare = index["redundant_with"] or index["used"] is False
        reads = "reads unknown" if index["reads"] is None else f"{index['reads']:,} rows read"
        why = remark(index)
        note = f"~{size(index['bytes'])}, {reads}" + (f", {why}" if why else "")
        bars.append(
            svg.Bar(
                index["name"],
                index["bytes"],
                "due" if spare else "one" if index["reads"] else "cold",
                svg.clip(note, 52),
            )
        )
    source = (
        f"{known[0]['counters'] or 'nobody counts reads'}; striped could go, pale was not read since the counters began"
    )
    return svg.figure("Indexes of the interactions: size and use", source, svg.rows(bars), len(bars) * svg.ROW)


def _statements(data: Data) -> str:
    items = []
    for each in data["statements"][:FEW]:
        named = (("mean", each["mean_seconds"]), ("p95", each["p95_seconds"]), ("max", each["max_seconds"]))
        marks = [(name, value) for name, value in named if value]
        if marks:
            items.append((each["statement"], marks))
    if not items:
        return ""
    source = data["statements"][0]["source"]
    title = "Times of the statements: mean (disc), 95th percentile (diamond), longest (bar)"
    return svg.figure(title, source, svg.spans(items, lasting), len(items) * svg.SPAN + 20)
