"""Drops the foreign keys of a backup's tables: with them, a parent's deletion would cascade into the backup."""

from __future__ import annotations

from collections.abc import Sequence

from rlops.db import Database
from rlops.ops import declared
from rlops.ops.backups.found import Backup, tables_with_keys
from rlops.plan import Expect, Step
from rlops.sqlfiles import SqlFolder


def drop(sql: SqlFolder, backup: str, key: str, reviewed: tuple[str, str]) -> Step:
    """The step that drops one key of a backup's table."""
    statement = sql.statement(
        "rollback/020_drop_foreign_key", {"backup": backup, "key": key}, volatile=("backup", "key")
    ).held_to(*reviewed)
    expect = (Expect("foreign_key", backup, key, present=False),)
    return Step(f"drop the backup's foreign key {key}", statement, expect, touches=(backup, *parents(sql)))


def left(db: Database, sql: SqlFolder, backup: Backup, tables: Sequence[str]) -> list[Step]:
    """The steps that drop the keys that a rollback which died left to the backups of these tables."""
    names = [backup.tables[table] for table in tables]
    return [
        drop(sql, name, key.name or "", reviewed=(name, key.name or ""))
        for name, table in tables_with_keys(db, backup).items()
        for key in table.foreign_keys
        if name in names
    ]


def parents(sql: SqlFolder) -> list[str]:
    """The tables that the declared ones refer to."""
    return sorted({parent for each in declared.tables(sql) for parent in each.parents})
