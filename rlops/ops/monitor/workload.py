"""What runs against the tables: the costliest statements, the foreign keys and what they refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from rlops.db import ServerError
from rlops.ops.monitor.indexes import SWITCH_ON, duration
from rlops.ops.monitor.probe import Reader
from rlops.structure import Table

DIGESTS = "performance_schema.events_statements_summary_by_digest"
PLANS = "oceanbase.V$OB_PLAN_CACHE_PLAN_STAT, plans still in the cache"
ERRORS = "performance_schema.events_errors_summary_global_by_error"
REFUSED = {1451: "parent_refused", 1452: "child_refused"}
SECONDS = ("total_seconds", "mean_seconds", "max_seconds")
COUNTS = ("executions", "rows_examined", "rows_sent", "rows_affected")


def read_statements(reader: Reader) -> list[dict[str, Any]]:
    """The five statements on the tables that took the most time in all; seconds and rows, `last_seen` in UTC."""
    name, key = "statements", "100_statements"
    seekdb = reader.db.family == "oceanbase"
    source = PLANS if seekdb else f"{DIGESTS}, since the server started {duration(reader.server.uptime)} ago"
    if not seekdb and not reader.server.performance_schema:
        reader.note(name, "unavailable", DIGESTS, SWITCH_ON)
        return []
    try:
        if not seekdb and (switch := _switch(reader.rows("080_instruments")[0])):
            reader.note(name, "unavailable", DIGESTS, switch)
            return []
        rows = reader.rows(key, values={"schema": reader.server.schema})
    except ServerError as error:
        reader.failed(name, source, key, error)
        return []
    reader.note(name, "ok", source)
    return [_statement(row, source) for row in rows]


def read_foreign_keys(reader: Reader, live: Sequence[Table], declared: Sequence[Table]) -> dict[str, Any]:
    """The foreign keys that are there and those that are missing of the declared ones, and how often they refused.

    The counts are of the whole server since it started: error 1451, a parent's delete, and 1452, a child's row.
    """
    present = [_key(table, key) for table in live for key in table.foreign_keys]
    have = {(table.name, key.target) for table in live for key in table.foreign_keys}
    missing = [
        _key(table, key)
        for table in declared
        if table.name in {known.name for known in live}
        for key in table.foreign_keys
        if (table.name, key.target) not in have
    ]
    errors = dict.fromkeys(REFUSED.values())
    return {"present": present, "missing": missing, "errors": errors | _errors(reader)}


def _errors(reader: Reader) -> dict[str, Any]:
    name, key = "foreign_key_errors", "110_foreign_key_errors"
    source = f"{ERRORS}, server-wide since the server started {duration(reader.server.uptime)} ago"
    if reader.db.family != "mysql":
        engine = reader.db.engine.name
        reader.note(name, "unsupported", engine, f"{engine} doesn't count what foreign keys refuse")
        return {"source": None}
    if not reader.server.performance_schema:
        reader.note(name, "unavailable", ERRORS, SWITCH_ON)
        return {"source": None}
    try:
        rows = reader.rows(key)
    except ServerError as error:
        reader.failed(name, ERRORS, key, error)
        return {"source": None}
    reader.note(name, "ok", source)
    return {REFUSED[row["number"]]: int(row["raised"]) for row in rows} | {"source": source}


def _key(table: Table, key: Any) -> dict[str, Any]:
    return {
        "table": table.name,
        "name": key.name,
        "columns": list(key.columns),
        "references": f"{key.ref_table}({', '.join(key.ref_columns)})",
    }


def _statement(row: dict[str, Any], source: str) -> dict[str, Any]:
    numbers = {name: None if row[name] is None else float(row[name]) for name in SECONDS}
    counts = {name: None if row[name] is None else int(row[name]) for name in COUNTS}
    seen = row["last_seen"] and row["last_seen"].replace(tzinfo=UTC)
    return {"statement": row["statement"].strip(), **numbers, **counts, "last_seen": seen, "source": source}


def _switch(instruments: dict[str, Any]) -> str | None:
    for column, consumer in (("everything", "global_instrumentation"), ("statements", "statements_digest")):
        if instruments[column] == "NO":
            return f"UPDATE performance_schema.setup_consumers SET ENABLED = 'YES' WHERE NAME = '{consumer}'"
    return None
