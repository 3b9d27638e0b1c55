"""What is looked at before a change of form is begun while the shop goes on; each check is one function."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rlops import counting, facts, rowhash
from rlops.clock import writers_now
from rlops.db import Database
from rlops.errors import Refused
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.ops.partition import integrity, months, queries
from rlops.ops.partition.change import OLD, SHADOW
from rlops.ops.partition.offline import MOST_MONTHS, refuse_different
from rlops.sqlfiles import SqlFolder
from rlops.structure import Table, read_triggers

ZERO = "1000-01-01"  # before it are only zero dates, which a strict session can't copy


def refuse(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    """Run every check that can forbid the change. Raises Refused by the first that does; nothing is changed."""
    refuse_different(db, sql, live)
    for check in CHECKS:
        check(db, sql, each, live)


def _names(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    for name in (SHADOW, OLD):
        if facts.table_exists(db, name):
            _refuse(
                f"{name} is there, and no change of rlops' is under way",
                "Look what it is; rename or drop it.",
                "name_taken",
            )


def _triggers(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    foreign = [
        trigger.name for trigger in read_triggers(db, INTERACTIONS) if not trigger.name.startswith(integrity.PREFIX)
    ]
    if foreign:
        _refuse(
            f"{INTERACTIONS} has triggers that the new table would lack: {', '.join(foreign)}",
            "Drop them, and create them on the new table after it.", "foreign_triggers",
        )  # fmt: skip
    left = integrity.live(db, (INTERACTIONS,)) if not live.partitioning else {}
    if left:
        _refuse(
            f"{INTERACTIONS} has triggers of an interrupted change: {', '.join(left)}",
            "`rlops partition enable --offline` finishes it.",
            "leftovers",
        )
    integrity.refuse_untrusted(db)


def _keys(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    values = {"schema": db.schema, "tables": (INTERACTIONS, *each.parents)}
    ask = sql.statement("partition/060_referred_from", values=values)
    for row in db.rows(ask.sql, ask.values):
        if row["parent"] == INTERACTIONS:
            _refuse(
                f"{row['child']} refers to {INTERACTIONS} by {row['name']}, which would follow the old table",
                "",
                "referred_to",
            )
        if row["child"] in each.parents and "CASCADE" in (row["on_delete"], row["on_update"]):
            _refuse(
                f"{row['child']} is itself the child of {row['parent']} by a cascade ({row['name']}), which fires no trigger:"
                " interactions would stay behind without their parent", "Delete such rows by statements of their own.", "cascading_parent",
            )  # fmt: skip


def _binlog(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    values = {row["Variable_name"]: row["Value"] for row in db.rows("SHOW GLOBAL VARIABLES LIKE '%bin%'")}
    if values.get("log_bin") == "ON" and values.get("binlog_format", "ROW") != "ROW":
        _refuse(
            f"binlog_format is {values['binlog_format']}: the copy reads at READ COMMITTED, which only ROW repeats on replicas",
            "SET GLOBAL binlog_format = ROW, in the sessions of the shop too.", "binlog_format",
        )  # fmt: skip


def _times(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    column = sql.policy.partitions.column
    if db.value(f"SELECT EXISTS (SELECT 1 FROM {INTERACTIONS} WHERE `{column}` < '{ZERO}') AS found"):
        _refuse(f"{INTERACTIONS} has rows whose {column} is a zero date", "Give them a date first.", "zero_dates")


def _exact(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    if reason := rowhash.refusal(live.columns):
        _refuse(f"the copy of {INTERACTIONS} can't be compared exactly: {reason}", "", "not_comparable")


CHECKS: tuple[Callable[[Database, SqlFolder, Declared, Table], None], ...] = (
    _names,
    _triggers,
    _keys,
    _binlog,
    _times,
    _exact,
)


def _refuse(message: str, hint: str, code: str) -> None:
    raise Refused(f"{message}. Nothing was changed", hint, code)


def notes(db: Database, sql: SqlFolder, each: Declared) -> Iterator[str]:
    """What the user should know beforehand: the rows and room that the copy takes, odd times, statements that will differ."""
    rows, size = counting.count(db, INTERACTIONS), facts.bytes_of(db, INTERACTIONS)
    about = "about " if rows.estimated else ""
    yield f"{about}{rows.rows:,} rows are copied; the copy needs {size:,} bytes of disk, and its binary log as much (the server's estimate)"
    wanted, now = sql.policy.partitions, writers_now(db, sql.policy.writers_time_zone)
    last = months.first_of(now, MOST_MONTHS)
    if (db.value(f"SELECT MAX(`{wanted.column}`) AS last FROM {INTERACTIONS}") or now) >= last:
        yield f"rows from {last:%Y-%m-%d} on will stay in the catch-all"
    found = queries.seen(db, sql, INTERACTIONS)
    if found is None:
        yield "statements that will behave differently can't be looked for: performance_schema is off, or not for this account"
        return
    yield from list(queries.behave_differently(found, INTERACTIONS, each.parents))[: queries.SHOWN]
