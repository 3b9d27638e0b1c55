"""Which of the privileges that a command needs this session's account lacks, and the GRANT that gives them."""

from __future__ import annotations

from collections.abc import Iterable

from rlops import journal, lease, privileges, sqlfiles
from rlops.db import Damaged, Database, Forbidden
from rlops.errors import Denied
from rlops.holdings import GRANT_OPTION, Account, Holdings
from rlops.ops import declared
from rlops.ops.needs import MORE_TRIGGERS, NEEDS, Need
from rlops.ops.partition import definer
from rlops.sqlfiles import SqlFolder, quote

Place = tuple[str | None, str | None]
Lacking = dict[Place, list[str]]
MEMBERS = ("replication_group_members", "replication_group_member_stats")


def missing(db: Database, command: str, holdings: Holdings, sql: SqlFolder | None = None) -> list[str]:
    """The privileges that a command needs and the holdings lack, such as "CREATE on `shop`.`rlops_run`".

    `sql` is the folder in use; without it the one that came with rlops names the tables and their parents.
    """
    return texts(lacking(db, needs(command, db), holdings, sql))


def check(db: Database, command: str, sql: SqlFolder | None = None) -> Denied | None:
    """What is wrong, with the GRANT to run, when this session's account lacks what the command needs."""
    holdings = privileges.own(db)
    return denied(db, command, lacking(db, needs(command, db), holdings, sql), holdings)


def denied(db: Database, command: str, found: Lacking, holdings: Holdings) -> Denied | None:
    """The refusal of a command whose account lacks this; None when it lacks nothing."""
    if not found:
        return None
    account = privileges.current(db)
    return Denied(
        f"{account} lacks what `rlops {command}` needs: {'; '.join(texts(found))}. Nothing was changed",
        "An administrator runs:\n" + statements(found, account, holdings), "missing_privileges",
    )  # fmt: skip


def needs(command: str, db: Database, *, optional: bool = False) -> list[Need]:
    """The needs of a command on this engine: those that it can't do without, or the optional ones."""
    found = [need for need in NEEDS[command] if need.optional == optional and db.family in need.families]
    if command in MORE_TRIGGERS and not optional and _run_as_another(db):
        found.append(
            Need((definer.setting(db),), "server", "make more triggers that run as the account of those that are there")
        )
        found.append(Need((GRANT_OPTION,), "schema", "let that account write to a second table"))
    return found


def _run_as_another(db: Database) -> bool:
    try:
        known = definer.recorded(db)
    except (Forbidden, Damaged):
        return False  # what is in the way of reading that is said elsewhere
    return known is not None and known.dedicated


def lacking(db: Database, wanted: Iterable[Need], holdings: Holdings, sql: SqlFolder | None = None) -> Lacking:
    """What the holdings lack of these needs, by object."""
    found: Lacking = {}
    for need in wanted:
        for schema, table in _places(db, need.on, sql):
            for privilege in need.privileges:
                if not holdings.has(privilege, schema, table):
                    listed = found.setdefault((schema, table), [])
                    listed += [] if privilege in listed else [privilege]
    # What is lacking on the whole schema covers its tables.
    for (schema, table), words in found.items():
        if table:
            left = [word for word in words if word not in found.get((schema, None), ())]
            # A GRANT on a table that isn't there yet fails unless it gives CREATE.
            words[:] = ["CREATE", *left] if left and "CREATE" in words and "CREATE" not in left else left
    return {place: words for place, words in found.items() if words}


def texts(found: Lacking) -> list[str]:
    """What is lacking, for people."""
    return [f"{', '.join(words)} on {_object(schema, table)}" for (schema, table), words in found.items()]


def statements(found: Lacking, account: Account, holdings: Holdings) -> str:
    """The GRANT statements that give it, one a line."""
    lines = []
    for (schema, table), words in found.items():
        listed = ", ".join(word for word in words if word != GRANT_OPTION) or "USAGE"
        on = _object(holdings.pattern(schema) if schema and not table else schema, table)
        option = " WITH GRANT OPTION" if GRANT_OPTION in words else ""
        lines.append(f"GRANT {listed} ON {on} TO {account}{option};")
    return "\n".join(lines)


def _object(schema: str | None, table: str | None) -> str:
    return "*.*" if schema is None else f"{quote(schema)}.{quote(table) if table else '*'}"


def _places(db: Database, on: str, sql: SqlFolder | None) -> list[Place]:
    if on == "server":
        return [(None, None)]
    if on == "schema":
        return [(db.schema, None)]
    if on == "own":
        return [*((db.schema, name) for name in journal.TABLES), *_places(db, "lease", sql)]
    if on == "journal":
        return [(db.schema, name) for name in ("rlops_run", "rlops_step", "rlops_job")]
    if on == "jobs":
        return [(db.schema, "rlops_job")]
    if on == "snapshot":
        return [(db.schema, "rlops_snapshot")]
    if on == "lease":
        return [(db.schema, lease.TABLE)] if db.engine.can.run_lock == "lease" else []
    if on == "members":  # only in a group is MySQL's run lock a lease
        return [("performance_schema", table) for table in MEMBERS] if db.engine.can.run_lock == "lease" else []
    if on == "interactions":
        return [(db.schema, declared.INTERACTIONS)]
    if on in ("tables", "parents"):
        tables = declared.tables(sql or sqlfiles.load(None, db.family))
        if on == "tables":
            return [(db.schema, each.table.name) for each in tables]
        keys = (key for each in tables for key in each.table.foreign_keys)
        return list(dict.fromkeys((key.ref_schema or db.schema, key.ref_table) for key in keys))
    schema, _, table = on.partition(".")
    return [(schema, table or None)]
