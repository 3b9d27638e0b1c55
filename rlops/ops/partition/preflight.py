"""What is looked at before a change of form is begun while the shop goes on; each check is one function."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rlops import blockers, counting, facts, rowhash
from rlops.db import Database
from rlops.errors import Refused
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.ops.partition import checks, integrity, offline
from rlops.ops.partition.change import OLD, SHADOW, Direction
from rlops.ops.partition.offline import refuse_different
from rlops.ops.partition.status import live_table
from rlops.sqlfiles import SqlFolder
from rlops.structure import Table, read_triggers


def refuse_unfit(db: Database, direction: Direction) -> None:
    """Refuse on a server where a second table can't be kept equal, or where another node's writers see no lock of a copy's."""
    can, hint = db.engine.can, "Say --offline."
    if direction == "drain":
        hint = "`rlops partition disable --offline`, then `rlops partition enable --offline`."
    elif direction == "enable" and not (can.triggers and can.locks_hold_all):
        hint = "Say --offline --integrity none."
    if can.keys_on_partitions:
        problem = "this engine keeps its foreign keys when it is partitioned, and has no use for this"
        raise Refused(f"{problem}. Nothing was changed", hint, "not_here")
    if not can.triggers:
        problem = f"{db.engine} has no triggers to keep a copy equal with, and lets writers go on during its own ALTER"
        raise Refused(f"{problem}. Nothing was changed", hint, "no_triggers")
    if not can.locks_hold_all:
        problem = f"on a {db.engine.cluster} writers of other nodes see no lock of a copy's, so rows could be lost"
        raise Refused(f"{problem}. Nothing was changed", hint, "locks_of_one_node")


def refuse_no_integrity(direction: Direction) -> None:
    """Refuse a copy of a table whose rows may lack their parents. Always raises Refused."""
    problem = (
        "nothing keeps its integrity now, so the copy may have rows without a user or product. Nothing was changed"
    )
    hint = "Say --offline."
    if direction == "drain":
        hint = "`rlops partition disable --offline`, then `enable --offline --integrity none`, while writers wait."
    raise Refused(problem, hint, "no_integrity")


def refuse(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    """Run every check that can forbid the change. Raises Refused by the first that does; nothing is changed."""
    refuse_different(db, sql, live)
    for check in CHECKS:
        check(db, sql, each, live)


def refuse_since(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    """Run those checks again that somebody's change meanwhile can fail, before the tables change places. Raises Refused."""
    refuse_different(db, sql, live_table(db))
    for check in SINCE:
        check(db, sql, each, live)


def _names(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    for name in (SHADOW, OLD):
        if facts.table_exists(db, name):
            problem = f"{name} is there, and no change of rlops' is under way"
            _refuse(problem, "Look what it is; rename or drop it.", "name_taken")


def _triggers(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    checks.refuse_triggers(db)


def _leftovers(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    found = [trigger.name for trigger in read_triggers(db, INTERACTIONS)]
    if found and not live.partitioning:
        problem = f"{INTERACTIONS} has triggers of an interrupted change: {', '.join(found)}"
        _refuse(problem, "`rlops partition enable --offline` finishes it.", "leftovers")


def _trusted(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    integrity.refuse_untrusted(db)


def _keys(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    checks.refuse_keys(db, sql, each)
    if moving := [key for key in each.table.foreign_keys if key.on_update == "CASCADE"]:
        problem = f"{moving[0].target} has ON UPDATE CASCADE, which isn't repeated in a second table"
        _refuse(problem, "Say --offline, while writers wait.", "on_update_cascade")


def _binlog(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    values = {row["Variable_name"]: row["Value"] for row in db.rows("SHOW GLOBAL VARIABLES LIKE '%bin%'")}
    if values.get("log_bin") == "ON" and values.get("binlog_format", "ROW") != "ROW":
        problem = f"binlog_format is {values['binlog_format']}: replicas that repeat statements would copy other rows"
        _refuse(problem, "SET GLOBAL binlog_format = ROW, and in the shop's sessions too.", "binlog_format")


def _cascades(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    found = db.row("SHOW GLOBAL VARIABLES LIKE 'enable_cascade_triggers'")
    if found and found["Value"] == "ON":
        problem = (
            "enable_cascade_triggers is ON: while both tables are there, a deletion of a user or product would fire triggers"
            " that fail with 1442"
        )
        _refuse(
            problem, "SET GLOBAL enable_cascade_triggers = OFF, and in the shop's sessions too.", "cascade_triggers"
        )


def _rows(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    checks.refuse_rows(db, sql, each, live)


def _exact(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    if reason := rowhash.refusal(live.columns):
        _refuse(f"the copy of {INTERACTIONS} can't be compared exactly: {reason}", "Say --offline.", "not_comparable")


Check = Callable[[Database, SqlFolder, Declared, Table], None]
SINCE: tuple[Check, ...] = (_triggers, _keys, _binlog, _cascades)  # what can come until the tables change places
CHECKS: tuple[Check, ...] = (_names, *SINCE, _leftovers, _trusted, _rows, _exact)


def _refuse(message: str, hint: str, code: str) -> None:
    raise Refused(f"{message}. Nothing was changed", hint, code)


def notes(db: Database, sql: SqlFolder, each: Declared, direction: Direction) -> Iterator[str]:
    """What the user should know beforehand: the rows and room that the copy takes, odd times, what will differ."""
    rows, size = counting.count(db, INTERACTIONS), facts.bytes_of(db, INTERACTIONS)
    about = "about " if rows.estimated else ""
    yield f"{about}{rows.rows:,} rows are copied; the copy needs {size:,} bytes of disk, and its binary log as much (the server's estimate)"
    yield "replicas with filters, or delayed ones, have to know the new tables' names too: the filters of those in --replica are looked at"
    for holder in (blockers.find(db, sql, (INTERACTIONS, *each.parents)) or [])[: blockers.SHOWN]:
        yield f"{holder}: the triggers and the rename wait for its end"
    if db.family == "mysql":
        yield "the rename locks users and product too: a transaction that has used one of them and then wants the other may get 1213 then"
    elif (db.row("SHOW GLOBAL VARIABLES LIKE 'innodb_snapshot_isolation'") or {}).get("Value") == "ON":
        yield (
            "innodb_snapshot_isolation is ON: a transaction that began before a range was copied and then changes a row of it gets"
            " 1020, and has to be repeated as after a deadlock"
        )
    if db.family == "mariadb":
        yield "until the cut-over MariaDB refuses (1442) what a session under LOCK TABLES changes in the interactions, or deletes of users"
    if direction == "disable":
        yield (
            "until the cut-over `DELETE IGNORE` of a user or product that yet another table refers to leaves it, and takes its"
            " interactions: let nobody run it"
        )
    if direction != "enable":
        return
    yield from offline.far_ahead(db, sql)
    yield from checks.unseen_keys(db, sql)
    yield from checks.statements(db, sql, each)
