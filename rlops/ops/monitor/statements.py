"""What runs against the tables: the statements that cost most, run most, last longest or scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rlops.db import ServerError
from rlops.ops.monitor.indexes import SWITCH_ON, duration
from rlops.ops.monitor.probe import Reader, whole

DIGESTS = "performance_schema.events_statements_summary_by_digest"
OWN = {
    "oceanbase": "oceanbase.V$OB_PLAN_CACHE_PLAN_STAT, plans still in the cache",
    "tidb": "information_schema.CLUSTER_STATEMENTS_SUMMARY and its history",
}
SECONDS = ("total_seconds", "mean_seconds", "max_seconds", "p95_seconds", "p99_seconds")
COUNTS = ("executions", "rows_examined", "rows_sent", "rows_affected", "scans")
EACH = 5  # statements of each kind
# Why a statement is shown: the number by which it is among the first.
KINDS = {"most time": "total_seconds", "most often": "executions", "slowest": "mean_seconds", "scans": "scans"}
SMALL = 1_000  # rows examined by a run; below that a scan harms nobody


def read_statements(reader: Reader) -> list[dict[str, Any]]:
    """The first statements on the tables by each of KINDS; seconds and rows, times in UTC."""
    name, key = "statements", "100_statements"
    own = OWN.get(reader.db.family)
    source = own or f"{DIGESTS}, since the server started {duration(reader.server.uptime)} ago"
    if not own and not reader.server.performance_schema:
        reader.note(name, "unavailable", DIGESTS, SWITCH_ON)
        return []
    try:
        if not own and (switch := _switch(reader.rows("080_instruments")[0])):
            reader.note(name, "unavailable", DIGESTS, switch)
            return []
        rows = reader.rows(key, values={"schema": reader.server.schema})
        missing = "" if own else _missing(reader)
    except ServerError as error:
        reader.failed(name, source, key, error)
        return []
    reader.note(name, "ok", source + missing)
    return chosen([_statement(row, source) for row in rows])


def chosen(statements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first EACH by each of KINDS, the costliest first, each with `why`; of a few, only those that scan stand out."""
    why: dict[int, list[str]] = {}
    for kind, column in KINDS.items():
        ranked = sorted(range(len(statements)), key=lambda n: statements[n][column] or 0, reverse=True)
        fit = [n for n in ranked if statements[n][column] and (kind != "scans" or _scans(statements[n]))]
        for number in fit[:EACH]:
            why.setdefault(number, []).extend([kind] if len(statements) > EACH or kind == "scans" else [])
    found = [{**statements[number], "why": reasons} for number, reasons in why.items()]
    return sorted(found, key=lambda each: each["total_seconds"] or 0, reverse=True)


def _scans(statement: dict[str, Any]) -> bool:
    examined = statement["rows_examined"] or 0
    return bool(statement["scans"]) and examined / max(1, statement["executions"] or 1) > SMALL


def _statement(row: dict[str, Any], source: str) -> dict[str, Any]:
    numbers = {name: None if row[name] is None else float(row[name]) for name in SECONDS}
    for name in (
        "p95_seconds",
        "p99_seconds",
    ):  # the upper bound of the server's bucket, which can pass the longest run
        if (found := numbers[name]) is not None:
            numbers[name] = min(found, numbers["max_seconds"] or found)
    counts = {name: whole(row[name]) for name in COUNTS}
    times = {name: Reader.utc(row[name]) for name in ("first_seen", "last_seen")}
    return {"statement": row["statement"].strip(), **numbers, **counts, **times, "source": source}


def _missing(reader: Reader) -> str:
    """A full digest table takes no new statement: they are counted together in one row, and told apart nowhere."""
    lost = reader.rows("105_lost_statements")[0]
    if not lost["lost"]:
        return ""
    return (
        f"; the table is full, and {int(lost['lost']):,} runs of statements that are not in it are missing since"
        f" {lost['since']:%Y-%m-%d %H:%M} UTC: raise performance_schema_digests_size, or TRUNCATE {DIGESTS}"
    )


def _switch(instruments: dict[str, Any]) -> str | None:
    for column, consumer in (("everything", "global_instrumentation"), ("statements", "statements_digest")):
        if instruments[column] == "NO":
            return f"UPDATE performance_schema.setup_consumers SET ENABLED = 'YES' WHERE NAME = '{consumer}'"
    return None
