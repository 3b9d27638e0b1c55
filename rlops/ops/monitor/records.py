"""What a snapshot keeps, and what recorded snapshots tell: growth, evidence about indexes, what changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rlops import snapshots
from rlops.db import Database, Lost, ServerError
from rlops.errors import Denied, Failed
from rlops.ops.declared import INTERACTIONS
from rlops.ops.monitor.probe import Reader
from rlops.snapshots import Snapshot
from rlops.sqlfiles import SqlFolder

SHOWN = 60  # points of a series
JITTER = timedelta(seconds=5)  # a start-up time is computed from whole seconds of uptime
GROWTH_OVER = timedelta(days=28)
LEAST = timedelta(hours=12)  # between two snapshots that tell a growth

Evidence = dict[str, tuple[int, float]]
"""For an index: rows read in all, and seconds for which it has been watched without a read since the last one."""


def recorded(reader: Reader) -> tuple[Snapshot | None, dict[str, Any]]:
    """The latest snapshot, and the series of all: {snapshots, since, until, series}. Nothing where none was recorded."""
    source = snapshots.TABLE
    nothing: dict[str, Any] = {"snapshots": 0, "since": None, "until": None, "series": []}
    try:
        if not snapshots.exists(reader.db):
            if not reader.holdings.has("SELECT", reader.server.schema, source):
                reader.note("recorded", "denied", source, reader.grant("065_snapshots"))
                return None, nothing
            reader.note("recorded", "unavailable", source, "rlops monitor --record, from cron: no snapshot is kept yet")
            return None, nothing
        latest, found = snapshots.latest(reader.db), snapshots.series(reader.db, SHOWN)
        number = snapshots.count(reader.db)
    except ServerError as error:
        reader.failed("recorded", source, "065_snapshots", error)
        return None, nothing
    if latest is None:
        reader.note("recorded", "unavailable", source, "rlops monitor --record, from cron: no snapshot is kept yet")
        return None, nothing
    reader.note("recorded", "ok", f"{number:,} snapshots in {source}")
    series = [_point(each) for each in found]
    return latest, {"snapshots": number, "since": series[0]["at"], "until": series[-1]["at"], "series": series}


def _point(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "at": snapshot.taken_at.replace(tzinfo=UTC),
        "tables": {name: {"rows": t["rows"], "bytes": size_of(t)} for name, t in snapshot.body["tables"].items()},
    }


def size_of(table: Mapping[str, Any]) -> int | None:
    """What a table of a snapshot takes: its files, or else data and indexes."""
    if table["file_bytes"] is not None:
        return int(table["file_bytes"])
    parts = (table["data_bytes"], table["index_bytes"])
    return None if None in parts else sum(parts)


def growth(
    series: Sequence[Mapping[str, Any]], until: datetime, now: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Rows and bytes a day of the interactions from the snapshots of the last four weeks to now; None without any.

    What retention removed meanwhile is taken off, unlike in the growth that the data tells.
    """
    end = until.replace(tzinfo=UTC)
    points = [point for point in series if end - point["at"] <= GROWTH_OVER and INTERACTIONS in point["tables"]]
    if not points or now is None or end - points[0]["at"] < LEAST:
        return None
    first, days = points[0]["tables"][INTERACTIONS], (end - points[0]["at"]).total_seconds() / 86_400
    last = {"rows": now["rows"], "bytes": size_of(now)}
    a_day = {f"{key}_per_day": _rate(first[key], last[key], days) for key in ("rows", "bytes")}
    return {**a_day, "days": round(days, 2), "since": points[0]["at"], "snapshots": len(points)}


def _rate(first: int | None, last: int | None, days: float) -> float | None:
    return None if first is None or last is None else round((last - first) / days, 1)


def weigh(
    last: Snapshot | None, now: datetime, reads: Mapping[str, int], began: Mapping[str, datetime | None], source: str
) -> Evidence:
    """The evidence about each index up to now: what was recorded, and what the counters have seen since.

    Index names begin with "TABLE."; `began` is for each table the time from which its counters must be from, None
    where nobody knows. A time in which counters were lost counts for nothing.
    """
    same = last is not None and last.body.get("source") == source
    before: Mapping[str, int] = last.body["reads"] if last and same else {}
    known: Mapping[str, Sequence[Any]] = last.body["evidence"] if last else {}
    fallen = {_table(key) for key, value in before.items() if reads.get(key, value) < value}
    evidence: Evidence = {}
    for key, value in reads.items():
        start = began.get(_table(key))
        total, unread = known.get(key, (0, 0.0))
        went_on = last is not None and key in before and _table(key) not in fallen
        if last and went_on and (start is None or start <= last.taken_at + JITTER):
            new, watched = value - before[key], now - last.taken_at
        else:
            lost_since = last.taken_at if last else datetime.min
            new, watched = value, (now - start if start and start > lost_since else timedelta(0))
        evidence[key] = (int(total) + new, 0.0 if new else float(unread) + max(0.0, watched.total_seconds()))
    return evidence


def _table(key: str) -> str:
    return key.partition(".")[0]


def body(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a snapshot keeps of monitor's data."""
    kept = ("rows", "rows_estimated", "data_bytes", "index_bytes", "file_bytes", "free_bytes")
    counted = [index for index in data["indexes"] if index["reads"] is not None]
    errors = data["foreign_keys"]["errors"]
    return {
        "tables": {table["name"]: {key: table[key] for key in kept} for table in data["tables"]},
        "growth": {key: data["growth"][key] for key in ("rows_per_day", "bytes_per_row", "bytes_per_year")},
        "source": counted[0]["counters"] if counted else None,
        "reads": {index["key"]: index["reads"] for index in counted},
        "evidence": {index["key"]: index["evidence"] for index in counted},
        "errors": {key: errors[key] for key in ("child_refused", "parent_refused")} if errors["source"] else None,
        "statements": {"executions": sum(each["executions"] or 0 for each in data["statements"])},
        "backup_bytes": data["backups"]["bytes"],
    }


def snapshot(data: Mapping[str, Any], reader: Reader) -> Snapshot:
    """The snapshot of what was measured now."""
    return Snapshot(reader.server.utc_now, reader.server.started, body(data))


def keep(db: Database, sql: SqlFolder, taken: Snapshot) -> dict[str, Any]:
    """Record a snapshot and drop those that age has made too many; {id, taken_at, kept}.

    Raises Denied, with the GRANT to run, when this account may not; Failed when it can't be recorded.
    """
    try:
        snapshots.create(db, sql)
        number = snapshots.record(db, taken)
        snapshots.thin(db, sql.policy.monitor.keep_days)
        return {"id": number, "taken_at": taken.taken_at.replace(tzinfo=UTC), "kept": snapshots.count(db)}
    except Lost:
        raise
    except ServerError as error:
        from rlops.ops import requirements

        lacking = requirements.check(db, "monitor --record", sql)
        if lacking:
            raise lacking from error
        kind = Denied if error.exit is Denied.exit else Failed
        raise kind(f"the snapshot was not recorded: {error.message}", "", error.code) from error


def changes(last: Snapshot | None, taken: Snapshot) -> dict[str, Any] | None:
    """What changed since a snapshot: seconds, rows and bytes of each table, foreign-key errors, statements run.

    Counters of a server that was restarted in between count from its start.
    """
    if last is None:
        return None
    restarted = abs(last.started_at - taken.started_at) > JITTER
    seconds = (taken.taken_at - (max(taken.started_at, last.taken_at) if restarted else last.taken_at)).total_seconds()
    old, new = last.body, taken.body
    tables = {
        name: {
            "rows": _less(table["rows"], old["tables"][name]["rows"]),
            "bytes": _less(size_of(table), size_of(old["tables"][name])),
        }
        for name, table in new["tables"].items() if name in old["tables"]
    }  # fmt: skip
    return {
        "since": last.taken_at.replace(tzinfo=UTC),
        "seconds": round((taken.taken_at - last.taken_at).total_seconds(), 3),
        "restarted": restarted,
        "tables": tables,
        "foreign_key_errors": _counted(old["errors"], new["errors"]),
        "foreign_key_errors_seconds": round(seconds, 3),
        "statements": (_counted(old["statements"], new["statements"]) or {}).get("executions"),
    }


def _less(new: int | None, old: int | None) -> int | None:
    return None if new is None or old is None else new - old


def _counted(old: Mapping[str, int] | None, new: Mapping[str, int] | None) -> dict[str, int] | None:
    """How far counters went; one that is lower than before began anew."""
    if old is None or new is None:
        return None
    return {key: new[key] - old[key] if new[key] >= old.get(key, 0) else new[key] for key in new if key in old}
