"""The indexes of the tables: what reads them, which ones must stay, which ones another one covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rlops import journal
from rlops.db import ServerError
from rlops.ops.declared import INTERACTIONS
from rlops.ops.monitor.probe import Reader
from rlops.ops.monitor.records import Evidence, weigh
from rlops.snapshots import Snapshot
from rlops.structure import Index, Table

PERFORMANCE_SCHEMA = "performance_schema.table_io_waits_summary_by_index_usage"
USERSTAT = "information_schema.INDEX_STATISTICS"
TIDB = "information_schema.CLUSTER_TIDB_INDEX_USAGE"
SWITCH_ON = "performance_schema=ON in the server's configuration, and a restart"

Reads = dict[tuple[str, str], int]


def needed_by(table: Table, index: Index) -> str | None:
    """What would fail, or crawl, without the index; None where nothing that rlops knows of would."""
    if index.primary:
        return "primary key"
    if index.unique:
        return "unique key"
    for key in table.foreign_keys:
        if index.covers(key.columns):
            return f"foreign key {key.name}"
    # cleanup and monitor itself read by it, so its counters would say nothing about the shop anyway.
    if table.name == INTERACTIONS and index.covers(("timestamp",)):
        return "retention"
    return None


def counting_key(table: Table) -> str | None:
    """The index to count by: small, and needed anyway, so that our own reads make no idle index look used."""
    needed = [index for index in table.indexes if needed_by(table, index) and not index.kind and index.visible]
    small = [index for index in needed if not index.primary]
    return next((index.name for index in sorted([*small, *needed], key=lambda i: (i.primary, len(i.parts)))), None)


def time_key(table: Table) -> str | None:
    """The index by which the interactions are read in the order of time."""
    return next((i.name for i in table.indexes if i.covers(("timestamp",)) and i.visible), None)


def redundant_with(index: Index, others: Iterable[Index]) -> str | None:
    """The index that starts with all of this one's columns, in their order, and so serves the same reads.

    Of two that are equal, the one that comes later is redundant.
    """
    if index.primary or index.unique or index.kind:
        return None
    earlier = True
    for other in others:
        if other is index:
            earlier = False
        elif not other.kind and other.visible and other.parts[: len(index.parts)] == index.parts:
            longer = len(other.parts) > len(index.parts)
            if longer or other.unique or earlier:
                return other.name
    return None


@dataclass(frozen=True)
class Counters:
    """Rows read through each index, from where, and for each table since when at the earliest (UTC)."""

    reads: Reads = field(default_factory=dict)
    source: str | None = None
    began: Mapping[str, datetime | None] = field(default_factory=dict)


def read_indexes(
    reader: Reader, tables: Sequence[Table], sizes: Sequence[Mapping[str, Any]], last: Snapshot | None
) -> list[dict[str, Any]]:
    """Every index with the rows read through it since its counters began, and what dropping it would save, in bytes.

    `used` is False once the index has been watched unread for the policy's days of evidence; True with reads; None where
    that isn't known yet, nobody counts, or something needs the index anyway.
    """
    if not tables:
        return []
    names = [table.name for table in tables]
    counters = _counters(reader, names, {size["name"]: size["changed"] for size in sizes})
    saved = _sizes(reader, names)
    # A table that the server has not opened since it started has no counters at all.
    counted = {table for table, _ in counters.reads}
    userstat = counters.source == USERSTAT
    known = {
        _key(table, index): counters.reads.get((table.name, index.name), 0)
        for table in tables for index in table.indexes
        if counters.source and (table.name in counted or userstat)
    }  # fmt: skip
    evidence = weigh(last, reader.server.utc_now, known, counters.began, counters.source or "")
    days = reader.sql.policy.monitor.evidence_days
    return [
        {
            **_described(table, index, known, evidence, days),
            "counters": counters.source,
            "source": _since(reader, counters, table.name),
            "reads_since": reader.utc(counters.began.get(table.name)),
            "bytes": saved.get((table.name, index.name)),
            "bytes_estimated": True,
            "needs_days": days,
        }
        for table in tables for index in table.indexes
    ]  # fmt: skip


def _described(table: Table, index: Index, known: Mapping[str, int], evidence: Evidence, days: int) -> dict[str, Any]:
    key, needed = _key(table, index), needed_by(table, index)
    reads, weighed = known.get(key), evidence.get(key)
    unread = weighed[1] / 86_400 if weighed else None
    return {
        "key": key,
        "table": table.name,
        "name": index.name,
        "columns": [str(part) for part in index.parts],
        "unique": index.unique or index.primary,
        "visible": index.visible,
        "reads": reads,
        "reads_recorded": weighed[0] if weighed else None,
        "unread_days": None if unread is None else round(unread, 2),
        "evidence": weighed,
        "used": _used(weighed, days) if weighed and not needed else None,
        "needed_by": needed,
        "redundant_with": redundant_with(index, table.indexes),
    }


def _used(weighed: tuple[int, float], days: int) -> bool | None:
    total, unread = weighed
    if (unread or not total) and unread >= days * 86_400:
        return False
    return True if total else None


def _key(table: Table, index: Index) -> str:
    return f"{table.name}.{index.name}{index.columns}"


def _since(reader: Reader, counters: Counters, table: str) -> str | None:
    if counters.source is None:
        return None
    began = counters.began.get(table)
    if began is None:
        return f"{counters.source}, since userstat was switched on"
    ago = duration(int((reader.server.utc_now - began).total_seconds()))
    return f"{counters.source}, since the server's start or the table's last DDL {ago} ago"


def _began(reader: Reader, changed: Mapping[str, datetime | None]) -> dict[str, datetime | None]:
    """When the counters of each table began: at the server's start, or zeroed by a later DDL or rename."""
    renamed = journal.last_rename(reader.db)
    times = {name: [reader.server.started, at and at.replace(tzinfo=None), renamed] for name, at in changed.items()}
    return {name: max(time for time in known if time) for name, known in times.items()}


def _sizes(reader: Reader, names: list[str]) -> Reads:
    if reader.lacks("index_sizes"):
        return {}
    source = (
        "mysql.innodb_index_stats, pages" if reader.db.family != "oceanbase" else "oceanbase.DBA_OB_TABLE_SPACE_USAGE"
    )
    values = {"schema": reader.server.schema, "tables": tuple(names)}
    rows = reader.ask("index_sizes", source, "085_index_sizes", values=values) or ()
    return {(row["name"], row["index_name"]): int(row["bytes"]) for row in rows}


def _counters(reader: Reader, tables: list[str], changed: Mapping[str, datetime | None]) -> Counters:
    server = reader.server
    if reader.lacks("index_usage"):
        return Counters()
    if reader.db.family == "tidb":
        return _counted(reader, tables, "090_index_usage", TIDB, _began(reader, changed))
    if server.userstat:
        # It needs no privilege, unlike the performance schema. Nobody knows since when it has been switched on.
        return _counted(reader, tables, "095_index_statistics", USERSTAT, {})
    if not server.performance_schema:
        also = ", or SET GLOBAL userstat = 1" if reader.db.family == "mariadb" else ""
        reader.note("index_usage", "unavailable", PERFORMANCE_SCHEMA, SWITCH_ON + also)
        return Counters()
    return _counted(reader, tables, "090_index_usage", PERFORMANCE_SCHEMA, _began(reader, changed))


def _counted(
    reader: Reader, tables: list[str], key: str, source: str, began: Mapping[str, datetime | None]
) -> Counters:
    try:
        if source == PERFORMANCE_SCHEMA:
            instruments = reader.rows("080_instruments")[0]
            if "NO" in (instruments["index_reads"], instruments["everything"]):
                reader.note("index_usage", "unavailable", PERFORMANCE_SCHEMA, _switch(instruments))
                return Counters()
        rows = reader.ours(key, tables)
    except ServerError as error:
        reader.failed("index_usage", source, key, error)
        return Counters()
    since = f"the server started {duration(reader.server.uptime)} ago, or later DDL" if began else "it was switched on"
    reader.note("index_usage", "ok", f"{source}, since {since}")
    return Counters({(row["table_name"], row["index_name"]): int(row["rows_read"]) for row in rows}, source, began)


def _switch(instruments: dict[str, Any]) -> str:
    if instruments["everything"] == "NO":
        return "UPDATE performance_schema.setup_consumers SET ENABLED = 'YES' WHERE NAME = 'global_instrumentation'"
    return "UPDATE performance_schema.setup_instruments SET ENABLED = 'YES' WHERE NAME = 'wait/io/table/sql/handler'"


def duration(seconds: int) -> str:
    """Seconds in the largest unit that fits."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds"
