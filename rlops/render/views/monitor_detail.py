"""The further tables of `rlops monitor`: partitions, rows, sessions, indexes, statements, sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from rlops.render.cells import Fit, lasting, number, size, table, when
from rlops.words import counted

Data = Mapping[str, Any]
STATUS = {"ok": "green", "denied": "yellow", "unavailable": "yellow", "unsupported": "dim"}
LATEST = 6  # partitions shown, the catch-all among them
NARROW = 76  # columns


def partitions(data: Data) -> Iterator[RenderableType]:
    """The latest partitions, what is before them in one line, and how many months ahead there are."""
    if not data["partitions"]:
        return
    ahead = "" if data["months_ahead"] is None else f", {counted(data['months_ahead'], 'month')} ahead"
    made = table("partition", "from", "to", "rows", "on disk", title=f"Partitions: {len(data['partitions'])}{ahead}")
    before = data["partitions"][:-LATEST]
    if before:
        total = sum(each["rows"] or 0 for each in before)
        made.add_row(
            f"{len(before)} before", "", "", number(total, True), size(sum(each["size_bytes"] for each in before))
        )
    for each in data["partitions"][-LATEST:]:
        catch_all = each["name"] == data["catch_all"] and data["catch_all_rows"] is not None
        rows = number(data["catch_all_rows"]) if catch_all else number(each["rows"], True)
        begins, ends = ((each[key].strftime("%Y-%m-%d") if each[key] else "") for key in ("from", "to"))
        made.add_row(each["name"], begins, ends or "no end", rows, size(each["size_bytes"]))
    yield made


def facts(data: Data) -> Iterator[RenderableType]:
    """One line each: retention, foreign keys and orphans, ids, backups, recorded snapshots, the disk."""
    made = Table.grid(padding=(0, 2))
    made.add_column(no_wrap=True, style="bold")
    made.add_column(overflow="fold")
    for name, text in _facts(data):
        if text:
            made.add_row(f"  {name}", text)
    yield made


def _facts(data: Data) -> Iterator[tuple[str, str]]:
    yield "retention", _retention(data["retention"])
    yield "rows", _rows(data)
    yield "triggers", ", ".join(f"{t['timing']} {t['event']} on {t['table']}" for t in data["triggers"] or ())
    ids = [table for table in data["tables"] if table["auto_increment"]]
    fullest = max(ids, key=lambda table: table["auto_increment"]["share"], default=None)
    if fullest:
        share = fullest["auto_increment"]["share"]
        yield "ids", f"{'less than 0.1%' if share < 0.001 else f'{share:.1%}'} used, most in {fullest['name']}"
    kept = data["backups"]
    oldest = f", the oldest of {kept['oldest']:%Y-%m-%d}" if kept["oldest"] else ""
    yield "backups", f"{counted(kept['count'], 'backup')}, ~{size(kept['bytes'])}{oldest}" if kept["count"] else "none"
    recorded = data["recorded"]
    if recorded["snapshots"]:
        until = when(recorded["until"])
        yield (
            "recorded",
            f"{counted(recorded['snapshots'], 'snapshot')} since {recorded['since']:%Y-%m-%d}, the last at {until} UTC",
        )
    yield "server", _server(data["sessions"])
    if data["disk"]:
        yield (
            "disk",
            f"{size(data['disk']['free_bytes'])} free of {size(data['disk']['total_bytes'])} at {data['disk']['path']}",
        )


def _retention(data: Data) -> str:
    if data["oldest"] is None:
        return ""
    removed, stored = data["retention_months"], data["archive_months"]
    due = counted(data["months_due"], "month") if data["months_due"] else "nothing"
    older = counted(data["archive_months_due"], "month") if data["archive_months_due"] else "nothing"
    return (
        f"oldest row {data['oldest']:%Y-%m-%d}; {due} past {removed} months, due to be removed; {older} past {stored} months,"
        " for cold storage"
    )


def _rows(data: Data) -> str:
    keys = data["foreign_keys"]
    said = [f"{counted(len(keys['present']), 'foreign key')}{_missing(keys['missing'])}"]
    if data["orphans"]:
        orphans, checked = (sum(each[key] for each in data["orphans"]) for key in ("orphans", "checked"))
        said.append(f"{counted(orphans, 'orphan')} among {checked:,} references looked at")
    errors, changes = keys["errors"], data["changes"]
    if errors["source"]:
        child, parent = errors["child_refused"], errors["parent_refused"]
        text = f"refused {number(child)} rows and {number(parent)} deletes of a parent, server-wide since its start"
        if changes and changes["foreign_key_errors"]:
            since = changes["foreign_key_errors"]
            text += f" ({sum(since.values()):,} of them since {changes['since']:%H:%M:%S})"
        said.append(text)
    return "; ".join(said)


def _missing(missing: Sequence[Data]) -> str:
    return f", missing: {', '.join(key['references'] for key in missing)}" if missing else ""


def sessions(data: Data) -> Iterator[RenderableType]:
    """The oldest transactions, and who waits for whom; nothing on a quiet server."""
    old = [each for each in data["transactions"] or () if each["seconds"] >= 1]
    if old:
        made = table(
            "seconds", "connection", "rows changed", "statement", title="Open transactions, the oldest of the server"
        )
        for each in old:
            who, doing = f"{each['id']} {each['user']}@{each['host']}", each["statement"] or "idle"
            made.add_row(number(each["seconds"]), who, number(each["rows_modified"]), _line(doing))
        yield made
    if data["lock_waits"]:
        made = table("seconds", "waits", "for", title="Waiting for a metadata lock")
        for each in data["lock_waits"]:
            made.add_row(
                number(each["seconds"]), f"{each['id']}: {each['statement'][:60]}", _blockers(each["blocked_by"])
            )
        yield made


def _server(data: Data) -> str:
    facts = [f"history list {data['history_list']:,}"] if data["history_list"] is not None else []
    for each in data["replication"] or ():
        lag = "stopped" if not each["running"] else f"{number(each['lag_seconds']) or 'unknown'} s behind"
        facts.append(f"replica of {each['source']}, {lag}")
    return "; ".join(facts)


def _blockers(holders: Sequence[Data]) -> str:
    if not holders:
        return "somebody whom this account can't see"
    sure = ("may be ", "") if not holders[0]["certain"] else ("", "")
    return "; ".join(
        f"{sure[0]}{each['id']} {each['user']}: {each['statement'][:40] or 'idle'}"
        if each["id"]
        else "a prepared XA transaction"
        for each in holders[:3]
    )


def indexes(data: Sequence[Data]) -> Iterator[RenderableType]:
    """Every index with its size, what read it, and whether it could go."""
    if data:
        yield Fit(lambda width: _indexes(data, width))


def _indexes(data: Sequence[Data], width: int) -> Table:
    headings = ("reads", "remark") if width < NARROW else ("columns", "size", "reads", "remark")
    made = table("index", *headings, title="Indexes")
    made.columns[0].no_wrap, made.columns[0].justify = True, "left"
    last = None
    for index in data:
        if index["table"] != last:
            last = index["table"]
            made.add_row(Text(last, "bold"))
        cells = {
            "columns": ", ".join(index["columns"]),
            "size": "" if index["bytes"] is None else "~" + size(index["bytes"]),
            "reads": "unknown" if index["reads"] is None else number(index["reads"]),
            "remark": remark(index),
        }
        made.add_row(f"  {index['name']}", *(cells[heading] for heading in headings))
    return made


def remark(index: Data) -> str:
    """Why an index is there, or why it could go."""
    if index["redundant_with"]:
        return f"redundant with {index['redundant_with']}"
    if index["used"] is False:
        return f"unused: unread for {index['unread_days']:,.0f} days"
    if index["needed_by"]:
        return "foreign key" if "foreign" in index["needed_by"] else str(index["needed_by"])
    if not index["visible"]:
        return "invisible"
    if index["reads"] == 0:
        return f"unread for {index['unread_days']:,.1f} days" if index["unread_days"] >= 0.1 else "not read yet"
    return ""


def statements(data: Sequence[Data]) -> Iterator[RenderableType]:
    """The statements, the costliest first, each with why it is shown."""
    if data:
        yield Fit(lambda width: _statements(data, width))


def _statements(data: Sequence[Data], width: int) -> Table:
    headings: tuple[str, ...] = (
        ("total", "runs", "mean", "statement")
        if width < NARROW
        else ("total", "runs", "mean", "p95", "why", "statement")
    )
    telling = {"p95": [each["p95_seconds"] for each in data], "why": [each["why"] for each in data]}
    headings = tuple(heading for heading in headings if any(telling.get(heading, (True,))))
    made = table(*headings, title="Statements on the tables")
    for column in made.columns[:-2]:
        column.justify, column.no_wrap = "right", True
    for each in data:
        cells: dict[str, RenderableType] = {
            "total": lasting(each["total_seconds"]), "runs": number(each["executions"]), "mean": lasting(each["mean_seconds"]),
            "p95": lasting(each["p95_seconds"]), "why": ", ".join(each["why"]), "statement": _line(each["statement"]),
        }  # fmt: skip
        made.add_row(*(cells[heading] for heading in headings))
    return made


def _line(statement: str) -> Text:
    return Text(" ".join(statement.split()), no_wrap=True, overflow="ellipsis")


def probes(data: Data) -> Iterator[RenderableType]:
    """What could not be read and what that needs, then where the rest comes from."""
    lacking = [probe for probe in data["probes"] if probe["status"] != "ok"]
    if lacking:
        made = table("not read", "", "what it needs", title="What is not known")
        for probe in lacking:
            made.add_row(probe["name"], Text(probe["status"], STATUS[probe["status"]]), probe["needs"] or "")
        yield made
    made = table("read", "from", title="Sources")
    for probe in data["probes"]:
        if probe["status"] == "ok":
            made.add_row(probe["name"], probe["source"])
    yield made
    yield Text(
        f"Measured at {when(data['measured_at'])} UTC in {data['seconds']:.1f} s,"
        f" on a server that started at {when(data['server_started'])}.",
        "dim",
    )
