"""Rows and bytes of each table: exact where that is cheap, else an estimate that says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlops.db import Lost, Row, ServerError
from rlops.ops.monitor.probe import Reader, reason

COUNT_UP_TO = 2_000_000  # estimated rows; MySQL counts four million a second, and the limit is one

FILES = {
    "mysql": "information_schema.INNODB_TABLESPACES",
    "mariadb": "information_schema.INNODB_SYS_TABLESPACES",
    "oceanbase": "oceanbase.DBA_OB_TABLE_SPACE_USAGE, rows still in memory not included",
}
STATISTICS = "information_schema.TABLES, the optimizer's statistics"


def read_sizes(reader: Reader, names: list[str], keys: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows and bytes of the tables that exist, in the order of `names`.

    `keys` names for each table an index to count by. `file_bytes` is what the files take on the disk; data and index
    bytes are the optimizer's estimates of the pages in use, on seekdb the compacted data.
    """
    statistics = {row["name"]: row for row in _statistics(reader, names)}
    files = {row["name"]: row for row in _files(reader, names)}
    tables = [_table(reader, name, statistics[name], files.get(name)) for name in names if name in statistics]
    unexact = [why for table in tables if (why := _count(reader, table, keys.get(table["name"])))]
    if unexact:
        reader.note("rows", "unavailable", "COUNT(*)", f"{unexact[0]}; the estimate is shown")
    elif tables:
        reader.note("rows", "ok", "COUNT(*)")
    return tables


def _statistics(reader: Reader, names: list[str]) -> list[Row]:
    try:
        rows = reader.ours("030_tables", names)
    except ServerError as error:
        reader.failed("tables", STATISTICS, "030_tables", error)
        return []
    reader.note("tables", "ok", STATISTICS)
    return rows


def _files(reader: Reader, names: list[str]) -> list[Row]:
    source = FILES[reader.db.family]
    try:
        rows = reader.ours("040_files", names)
    except ServerError as error:
        reader.failed("file_sizes", source, "040_files", error)
        return []
    reader.note("file_sizes", "ok", source)
    return rows


def _table(reader: Reader, name: str, statistics: Row, file: Row | None) -> dict[str, Any]:
    # InnoDB's data and index bytes come from the statistics; seekdb has them beside the files' size.
    compacted = file is not None and "data_bytes" in file
    sizes = file if file is not None and compacted else statistics
    source = FILES[reader.db.family] if compacted else STATISTICS
    sources = {"rows": STATISTICS, "data_bytes": source, "index_bytes": source}
    sources["file_bytes"] = FILES[reader.db.family] if file else "unknown"
    sources["free_bytes"] = STATISTICS if statistics["free_bytes"] is not None else "unknown"
    return {
        "name": name,
        "rows": _whole(statistics["estimated_rows"]),
        "rows_estimated": True,
        "rows_source": f"TABLE_ROWS of {STATISTICS}",
        "data_bytes": _whole(sizes["data_bytes"]),
        "index_bytes": _whole(sizes["index_bytes"]),
        "sizes_estimated": not compacted,
        "file_bytes": _whole(file["file_bytes"]) if file else None,
        "files": int(file["files"]) if file else None,
        "free_bytes": _whole(statistics["free_bytes"]),
        "sources": sources,
    }


def _count(reader: Reader, table: dict[str, Any], key: str | None) -> str | None:
    """Put the exact number of rows in the place of the estimate; or tell what that would need."""
    if key is None:
        return f"{table['name']}'s indexes, to count by"
    if (table["rows"] or 0) > COUNT_UP_TO:
        return f"a table of at most {COUNT_UP_TO:,} rows, which {table['name']} is past"
    try:
        counted = reader.rows("050_count", {"table": table["name"], "key": key})[0]["rlops_count"]
    except ServerError as error:
        if isinstance(error, Lost):
            raise
        return reason(error)
    table["sources"]["rows"] = "COUNT(*)"
    table.update(rows=int(counted), rows_estimated=False, rows_source="COUNT(*)")
    return None


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
