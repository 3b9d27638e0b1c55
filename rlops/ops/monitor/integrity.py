"""Whether rows keep their parents: foreign keys, what they refused, orphans, triggers and the accounts they run as."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rlops import privileges
from rlops.db import Lost, ServerError
from rlops.errors import Denied, RlopsError
from rlops.holdings import Account, Holdings
from rlops.ops.monitor.indexes import SWITCH_ON, duration
from rlops.ops.monitor.probe import Reader
from rlops.ops.partition import drift, rights
from rlops.sqlfiles import Keywords, quote
from rlops.structure import ForeignKey, Table, Trigger, normalise, read_triggers

ERRORS = "performance_schema.events_errors_summary_global_by_error"
REFUSED = {1451: "parent_refused", 1452: "child_refused"}
SPOTS, ROWS_A_SPOT = 10, 500  # where in a table orphans are looked for, evenly along its ids


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
    rows = reader.ask(name, source, key)
    if rows is None:
        return {"source": None}
    return {REFUSED[row["number"]]: int(row["raised"]) for row in rows} | {"source": source}


def _key(table: Table, key: ForeignKey) -> dict[str, Any]:
    return {
        "table": table.name,
        "name": key.name,
        "columns": list(key.columns),
        "references": f"{key.ref_table}({', '.join(key.ref_columns)})",
    }


def read_orphans(reader: Reader, live: Iterable[Table], declared: Sequence[Table]) -> list[dict[str, Any]]:
    """For each declared reference, how many of the rows looked at have no parent, and how many were looked at."""
    existing = {table.name for table in live}
    found: list[dict[str, Any]] = []
    denied: dict[str, None] = {}
    for table in declared:
        for key in normalise(table, reader.db.family).foreign_keys if table.name in existing else ():
            try:
                found.append(_orphans(reader, table.name, key))
            except ServerError as error:
                if isinstance(error, Lost):
                    raise
                if "denied" in error.text.lower():
                    denied[f"GRANT SELECT ON {quote(reader.server.schema)}.{quote(key.ref_table)}"] = None
                else:
                    reader.failed("orphans", "a look along the ids", "160_orphans", error)
                    return found
    source = f"{SPOTS} × {ROWS_A_SPOT:,} rows along the ids; `rlops verify --data --full` looks at all"
    if denied:
        needs = "; ".join(f"{grant} TO {reader.server.account}" for grant in denied)
        reader.note("orphans", "denied", source, needs)
    elif found:
        reader.note("orphans", "ok", source)
    return found


def _orphans(reader: Reader, table: str, key: ForeignKey) -> dict[str, Any]:
    ends = reader.rows("075_last_id", {"table": table})[0]
    first, last = int(ends["rlops_first"] or 0), int(ends["last"] or 0)
    step = max(ROWS_A_SPOT, (last - first) / SPOTS)
    parent = f"{quote(key.ref_schema)}.{quote(key.ref_table)}" if key.ref_schema else quote(key.ref_table)
    names = {"table": table, "column": key.columns[0], "parent": Keywords((parent,)), "parent_key": key.ref_columns[0]}
    checked = orphans = 0
    reached, complete = first - 1, True
    for spot in range(SPOTS):
        since = max(int(first + spot * step), reached + 1)
        if since > last:
            break
        complete &= since == reached + 1
        row = reader.rows("160_orphans", names, {"since": since, "limit": ROWS_A_SPOT})[0]
        checked, orphans = checked + int(row["rlops_count"]), orphans + int(row["orphans"] or 0)
        reached = int(row["reached"] or last)
    return {
        "table": table, "column": key.columns[0], "parent": key.ref_table, "orphans": orphans, "checked": checked,
        "complete": complete and reached >= last,
    }  # fmt: skip


def read_all_triggers(reader: Reader, tables: Sequence[str], parents: Sequence[str]) -> list[dict[str, Any]] | None:
    """The triggers on the tables and on their parents, each with what is wrong with the account that it runs as.

    None where this account sees none and may not see all of them.

    A trigger whose definer is gone fails every statement that fires it (1449); one whose definer lacks TRIGGER too.
    """
    source = "information_schema.TRIGGERS"
    triggers: list[Trigger] = []
    schema, account = reader.server.schema, reader.server.account
    try:
        hidden = [name for name in (*tables, *parents) if not reader.holdings.has("TRIGGER", schema, name)]
        for name in (*tables, *parents):
            triggers += read_triggers(reader.db, name) if name not in hidden else ()
    except ServerError as error:
        reader.failed("triggers", source, "030_tables", error)
        return None
    if hidden:
        grants = (f"GRANT TRIGGER ON {quote(schema)}.{quote(name)} TO {account}" for name in hidden)
        reader.note("triggers", "denied", source, "; ".join(grants))
    else:
        reader.note("triggers", "ok", source)
    if hidden and not triggers:
        return None
    problems = _definers(reader, triggers)
    return [_trigger(trigger, problems.get(trigger.name)) for trigger in triggers]


def read_definers(reader: Reader, triggers: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """What the accounts lack that rlops' own triggers run as; one that is gone is a problem of each of its triggers."""
    try:
        found = rights.lacking(reader.db, reader.sql) if triggers else ()
        return [asdict(each) for each in found if each.actual != "absent"]
    except Denied:
        return []  # the probes of triggers and definers say so
    except ServerError as error:
        reader.failed("definers", "SHOW GRANTS FOR each definer", "030_tables", error)
        return []


def read_lost(reader: Reader) -> list[str]:
    """The integrity triggers that aren't there as they should be; none where they can't be seen, which their probe says."""
    try:
        return drift.lost(reader.db, reader.sql)
    except (Denied, ServerError):
        return []


def _trigger(trigger: Trigger, problem: str | None) -> dict[str, Any]:
    return {
        "name": trigger.name, "table": trigger.table, "timing": trigger.timing, "event": trigger.event,
        "definer": trigger.definer, "problem": problem,
    }  # fmt: skip


def _definers(reader: Reader, triggers: Sequence[Trigger]) -> Mapping[str, str]:
    """What is wrong with a trigger's definer, by the trigger's name."""
    problems: dict[str, str] = {}
    held: dict[str, Holdings | None] = {}
    if not triggers:
        return problems
    source = "SHOW GRANTS FOR each definer"
    try:
        for definer in {trigger.definer for trigger in triggers}:
            user, _, host = definer.rpartition("@")
            held[definer] = privileges.held_by(reader.db, Account(user, host))
    except ServerError as error:
        reader.failed("definers", source, "030_tables", error)
        return problems
    except RlopsError as error:
        reader.note("definers", "denied", source, error.hint)
        return problems
    reader.note("definers", "ok", source)
    for trigger in triggers:
        holdings = held[trigger.definer]
        if holdings is None:
            problems[trigger.name] = f"its definer {trigger.definer} does not exist (1449)"
        elif not holdings.has("TRIGGER", reader.server.schema, trigger.table):
            problems[trigger.name] = f"its definer {trigger.definer} lacks TRIGGER on {trigger.table} (1142)"
    return problems
