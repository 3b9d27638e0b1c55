"""Gives a backup's table its keys again, sets rows without a parent aside, and renames it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rlops import counting
from rlops.db import Database
from rlops.ops.backups import orphans
from rlops.plan import Expect, Step
from rlops.sqlfiles import Keywords, SqlFolder
from rlops.structure import ForeignKey, Table
from rlops.structure.model import literal
from rlops.words import counted

RENAME = "restore/070_rename"


@dataclass(frozen=True)
class Planned:
    """What is to be done with one table, what the JSON document says of it, and what people are told."""

    steps: list[Step]
    data: dict[str, Any]
    notes: list[str]
    after: list[Step] = field(default_factory=list)
    """What is to be done once the table has its name again."""


@dataclass(frozen=True)
class Kept:
    """One table of a backup: its name, its backup table, the keys that it had, and those to look for orphans by."""

    table: str
    backup_table: str
    live: Table
    keys: tuple[ForeignKey, ...]
    parents: tuple[ForeignKey, ...]

    @property
    def by_triggers(self) -> bool:
        """Whether its rows keep their parents by triggers, which serve a table under its own name only."""
        return self.live.partitioning is not None and not self.keys


def table(db: Database, sql: SqlFolder, backup_id: str, kept: Kept, at_least: int) -> Planned:
    """All but the rename of one table: its counter, its keys, and its rows without a parent."""
    lost = sum(len(orphans.lost(db, sql, kept.backup_table, key)) for key in kept.parents)
    rows = orphans.count(db, sql, kept.backup_table, kept.parents) if lost else 0
    steps = [
        *raise_counter(sql, db, kept.backup_table, kept.live, at_least),
        *_keys(sql, kept.backup_table, kept.live, kept.keys),
    ]
    at = kept.table if kept.by_triggers else kept.backup_table
    aside_steps = orphans.steps(db, sql, kept.table, at, kept.parents, backup_id=backup_id, needed=lost > 0)
    steps, after = (steps, aside_steps) if kept.by_triggers else ([*steps, *aside_steps], [])
    data = {
        "table": kept.table, "backup_table": kept.backup_table, **counting.count(db, kept.backup_table).fields(),
        "lost_parents": lost, "orphans": rows,
    }  # fmt: skip
    what = "rows (not counted in time)" if rows is None else counted(rows, "row")
    many = "or more " if lost >= orphans.PARENTS_AT_ONCE else ""
    aside = f"{kept.table}{orphans.SET_ASIDE}{backup_id}"
    notes = [f"{kept.table}: {lost} {many}users or products are gone; {what} of theirs go to {aside}"]
    return Planned(steps, data, notes if lost else [], after)


def raise_counter(sql: SqlFolder, db: Database, name: str, live: Table, at_least: int) -> list[Step]:
    """The step that raises a table's AUTO_INCREMENT, where it is lower; it never goes back."""
    if at_least <= (live.auto_increment or 1):
        return []
    statement = sql.statement(
        "restore/080_raise_auto_increment", {"table": name}, {"next_id": at_least}, ("table", "next_id")
    )
    raised = (
        f"SELECT COALESCE(MAX(AUTO_INCREMENT), 0) >= {at_least} FROM information_schema.TABLES"
        f" WHERE TABLE_SCHEMA = {literal(db.schema)} AND TABLE_NAME = {literal(name)}"
    )
    return [
        Step(f"let the ids of {name} go on from {at_least:,}", statement, (Expect("query", "", raised),), touches=(name,))
    ]  # fmt: skip


def rename(sql: SqlFolder, renames: Sequence[tuple[str, str]], parents: Sequence[str]) -> Step:
    """The step that gives the backups the tables' names again, all at once."""
    statement = sql.statement(RENAME, {"renames": renames})
    expect = [Expect("table", old) for _, old in renames] + [Expect("table", new, present=False) for new, _ in renames]
    touches = (*(new for new, _ in renames), *parents)
    return Step(
        f"give {counted(len(renames), 'backup')} the tables' names again", statement, tuple(expect), touches=touches
    )


def _keys(sql: SqlFolder, backup_table: str, live: Table, keys: tuple[ForeignKey, ...]) -> list[Step]:
    have = {key.columns for key in live.foreign_keys}
    steps = []
    for key in keys:
        if key.columns in have:
            continue
        names: dict[str, Any] = {
            "backup": backup_table, "key": key.name or "", "columns": list(key.columns),
            "parent_columns": list(key.ref_columns), "parent": orphans.qualified(key),
            "on_delete": _action("DELETE", key.on_delete), "on_update": _action("UPDATE", key.on_update),
        }  # fmt: skip
        statement = sql.statement("restore/010_add_foreign_key", names)
        expect = (Expect("foreign_key", backup_table, key.name or ""),)
        touches = (backup_table, key.ref_table)
        steps.append(
            Step(f"add the backup's foreign key {key.name}", statement, expect, checks_off=True, touches=touches)
        )
    return steps


def _action(event: str, action: str) -> Keywords:
    # NO ACTION is the default, and left out: MariaDB shows it where it was said, and the key is to come back as it was.
    return Keywords(("" if action == "NO ACTION" else f"ON {event} {action}",))
