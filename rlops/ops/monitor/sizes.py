"""Rows and bytes of each table: what is counted, what the server estimates, what the files take on the disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rlops.db import Lost, Row, ServerError
from rlops.ops.monitor.probe import Reader, reason, whole
from rlops.structure import Table

ENOUGH_ROWS = 10_000  # below that, half-empty pages and extents outweigh the rows
LAGGING = 0.7  # share of the files that the statistics know of; below it they are behind
COUNT_UP_TO = 2_000_000  # estimated rows; MySQL counts four million a second, and the limit is one

FILES = {
    "mysql": "information_schema.INNODB_TABLESPACES",
    "mariadb": "information_schema.INNODB_SYS_TABLESPACES",
    "oceanbase": "oceanbase.DBA_OB_TABLE_SPACE_USAGE, rows still in memory not included",
    "tidb": "information_schema.TABLE_STORAGE_STATS, whole megabytes of one copy",
}
STATISTICS = "information_schema.TABLES, the optimizer's statistics"
# The greatest value of an auto-increment column, by its type.
GREATEST = {"tinyint": 2**7 - 1, "smallint": 2**15 - 1, "mediumint": 2**23 - 1, "int": 2**31 - 1, "bigint": 2**63 - 1}


@dataclass(frozen=True)
class Files:
    """What a table's files take: all of them together, and each partition's by its name in the file system."""

    bytes: int
    count: int
    parts: Mapping[str, int] = field(default_factory=dict)
    compacted: Mapping[str, int] = field(default_factory=dict)


def read_files(reader: Reader, names: list[str]) -> dict[str, Files]:
    """The files of each table; empty where that can't be seen."""
    found: dict[str, list[Row]] = {}
    values = {"schema": reader.server.schema, "tables": tuple(names)}
    for row in reader.ask("file_sizes", FILES[reader.db.family], "040_files", values=values) or ():
        found.setdefault(row["name"], []).append(row)
    return {name: _files(rows) for name, rows in found.items()}


def _files(rows: list[Row]) -> Files:
    # seekdb has data and index bytes beside the size on the disk, and no files.
    compacted: dict[str, int] = {key: int(rows[0][key]) for key in ("data_bytes", "index_bytes") if key in rows[0]}
    parts = {} if compacted else {str(row["part"]): int(row["file_bytes"]) for row in rows}
    return Files(sum(int(row["file_bytes"]) for row in rows), sum(int(row["files"]) for row in rows), parts, compacted)


def read_sizes(
    reader: Reader, names: list[str], keys: Mapping[str, str], files: Mapping[str, Files], up_to: int | None
) -> list[dict[str, Any]]:
    """Rows and bytes of the tables that exist, in the order of `names`.

    `keys` names for each table an index to count by; more than `up_to` estimated rows are not counted. `file_bytes` is
    what the files take on the disk; data and index bytes are the optimizer's estimates of the pages in use, on seekdb
    the compacted data.
    """
    values = {"schema": reader.server.schema, "tables": tuple(names)}
    statistics = {row["name"]: row for row in reader.ask("tables", STATISTICS, "030_tables", values=values) or ()}
    tables = [_table(reader, name, statistics[name], files.get(name)) for name in names if name in statistics]
    unexact = [why for table in tables if (why := _count(reader, table, keys.get(table["name"]), up_to))]
    if unexact:
        reader.note("rows", "unavailable", "COUNT(*)", f"{unexact[0]}; the estimate is shown")
    elif tables:
        reader.note("rows", "ok", "COUNT(*)")
    for table in tables:
        table["bytes_per_row"] = bytes_per_row(table, reader.db.family)[0]
    return tables


def _table(reader: Reader, name: str, statistics: Row, files: Files | None) -> dict[str, Any]:
    compacted = files.compacted if files else {}
    sizes = compacted or statistics
    source = FILES[reader.db.family] if compacted else STATISTICS
    sources = {"rows": STATISTICS, "data_bytes": source, "index_bytes": source}
    sources["file_bytes"] = FILES[reader.db.family] if files else "unknown"
    sources["free_bytes"] = STATISTICS if statistics["free_bytes"] is not None else "unknown"
    return {
        "name": name,
        "rows": whole(statistics["estimated_rows"]),
        "rows_estimated": True,
        "rows_source": f"TABLE_ROWS of {STATISTICS}",
        "data_bytes": whole(sizes["data_bytes"]),
        "index_bytes": whole(sizes["index_bytes"]),
        "sizes_estimated": not compacted,
        "file_bytes": files.bytes if files else None,
        "files": files.count if files else None,
        "free_bytes": whole(statistics["free_bytes"]),
        "changed": reader.utc(statistics["created"]),
        "next_id": whole(statistics["next_id"]),
        "sources": sources,
    }


def _count(reader: Reader, table: dict[str, Any], key: str | None, up_to: int | None) -> str | None:
    """Put the exact number of rows in the place of the estimate; or tell what that would need."""
    if key is None:
        return f"{table['name']}'s indexes, to count by"
    if up_to is not None and (table["rows"] or 0) > up_to:
        return f"--exact, for {table['name']} has more than {up_to:,} rows"
    try:
        counted = reader.rows("050_count", {"table": table["name"], "key": key})[0]["rlops_count"]
    except ServerError as error:
        if isinstance(error, Lost):
            raise
        return reason(error)
    table["sources"]["rows"] = "COUNT(*)"
    table.update(rows=int(counted), rows_estimated=False, rows_source="COUNT(*)")
    return None


def bytes_per_row(table: Mapping[str, Any], family: str) -> tuple[float | None, str, str | None]:
    """Bytes on the disk for one row with its index entries, the source, and the reason if there are none.

    The statistics lag behind a bulk load; where the files are clearly larger, they are taken instead.
    """
    if family == "oceanbase":
        return None, "", "seekdb tells the size of compacted data only, not what a fresh row takes"
    if (table["rows"] or 0) < ENOUGH_ROWS:
        return None, "", f"fewer than {ENOUGH_ROWS:,} rows are too few for a size by row"
    total, source = table["data_bytes"] + table["index_bytes"], "data and index bytes by the optimizer's statistics"
    occupied = (table["file_bytes"] or 0) - (table["free_bytes"] or 0)
    if total < LAGGING * occupied:
        total, source = occupied, "size of the files less their free space"
    return round(total / table["rows"], 1), f"{source}, divided by {table['rows_source']}", None


def read_headroom(reader: Reader, tables: Iterable[dict[str, Any]], live: Mapping[str, Table]) -> None:
    """Add to each table how far its auto-increment has come: the next id, the greatest possible, their quotient."""
    for table in tables:
        known = live.get(table["name"])
        column = next((each for each in known.columns if "AUTO_INCREMENT" in each.extra), None) if known else None
        table["auto_increment"] = None
        if column is None:
            continue
        next_id, source = table["next_id"], "AUTO_INCREMENT of information_schema.TABLES"
        if next_id is None:
            next_id, source = _after_last(reader, table["name"]), "MAX(id) + 1"
        greatest = _greatest(column.type)
        if next_id is not None and greatest:
            table["auto_increment"] = {
                "column": column.name, "next": next_id, "greatest": greatest, "share": next_id / greatest, "source": source,
            }  # fmt: skip


def _after_last(reader: Reader, name: str) -> int | None:
    try:
        last = reader.rows("075_last_id", {"table": name})[0]["last"]
    except ServerError as error:
        if isinstance(error, Lost):
            raise
        return None
    return int(last or 0) + 1


def _greatest(type_: str) -> int | None:
    words = type_.lower().replace("(", " ").split()
    signed = GREATEST.get({"integer": "int"}.get(words[0], words[0]))
    return signed and (signed * 2 + 1 if "unsigned" in words else signed)
