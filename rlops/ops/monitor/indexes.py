"""The indexes of the tables: what reads them, which ones must stay, which ones another one covers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rlops.db import ServerError
from rlops.ops.declared import INTERACTIONS
from rlops.ops.monitor.probe import Reader
from rlops.structure import Index, Table

PERFORMANCE_SCHEMA = "performance_schema.table_io_waits_summary_by_index_usage"
USERSTAT = "information_schema.INDEX_STATISTICS"
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


def read_indexes(reader: Reader, tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Every index with the rows read through it since its counters began; None where nobody counts.

    `used` is True with reads, False without, None where that isn't known or something needs the index anyway.
    """
    reads, source = _reads(reader, [table.name for table in tables]) if tables else ({}, None)
    counted = {table for table, _ in reads}
    found = []
    for table in tables:
        for index in table.indexes:
            # A table that the server has not opened since it started has no counters at all.
            known = source is not None and (table.name in counted or source.startswith(USERSTAT))
            rows = reads.get((table.name, index.name), 0) if known else None
            needed = needed_by(table, index)
            found.append(
                {
                    "table": table.name,
                    "name": index.name,
                    "columns": [str(part) for part in index.parts],
                    "unique": index.unique or index.primary,
                    "reads": rows,
                    "used": True if rows else (False if rows == 0 and needed is None else None),
                    "needed_by": needed,
                    "redundant_with": redundant_with(index, table.indexes),
                    "source": source,
                }
            )
    return found


def _reads(reader: Reader, tables: list[str]) -> tuple[Reads, str | None]:
    server = reader.server
    if reader.db.family == "oceanbase":
        reader.note("index_usage", "unsupported", "seekdb", "seekdb keeps no counters for each index")
        return {}, None
    if server.userstat:
        # It needs no privilege, unlike the performance schema.
        return _counters(reader, tables, "095_index_statistics", f"{USERSTAT}, since userstat was switched on")
    if not server.performance_schema:
        also = ", or SET GLOBAL userstat = 1" if reader.db.family == "mariadb" else ""
        reader.note("index_usage", "unavailable", PERFORMANCE_SCHEMA, SWITCH_ON + also)
        return {}, None
    source = f"{PERFORMANCE_SCHEMA}, since the server started {duration(server.uptime)} ago or a later index DDL"
    return _counters(reader, tables, "090_index_usage", source)


def _counters(reader: Reader, tables: list[str], key: str, source: str) -> tuple[Reads, str | None]:
    try:
        if key == "090_index_usage":
            instruments = reader.rows("080_instruments")[0]
            if "NO" in (instruments["index_reads"], instruments["everything"]):
                reader.note("index_usage", "unavailable", PERFORMANCE_SCHEMA, _switch(instruments))
                return {}, None
        rows = reader.ours(key, tables)
    except ServerError as error:
        reader.failed("index_usage", source, key, error)
        return {}, None
    reader.note("index_usage", "ok", source)
    return {(row["table_name"], row["index_name"]): int(row["rows_read"]) for row in rows}, source


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
