"""Rows of a backup whose user or product has gone since: found, counted, and set aside in a table of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rlops import facts
from rlops.db import Database, TimedOut
from rlops.engines import EXACT
from rlops.errors import Failed
from rlops.ops.backups import copy
from rlops.plan import Chunk, Expect, Step
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import ForeignKey, Table, read_table

PARENTS_AT_ONCE = 500
COUNT_FOR = 20.0  # seconds for counting the rows that a restore would set aside
SET_ASIDE = "__set_aside_"


def qualified(key: ForeignKey) -> str | Keywords:
    """The parent's name as it stands in a statement."""
    return Keywords((f"{quote(key.ref_schema)}.{quote(key.ref_table)}",)) if key.ref_schema else key.ref_table


def condition(keys: Sequence[ForeignKey], alias: str = "b") -> str:
    """SQL that is true of a row whose parent is gone; a NULL refers to nobody."""
    parts = []
    for key in keys:
        parent = qualified(key)
        name = parent.words[0] if isinstance(parent, Keywords) else quote(parent)
        present = " AND ".join(f"{alias}.{quote(column)} IS NOT NULL" for column in key.columns)
        pairs = zip(key.ref_columns, key.columns, strict=True)
        match = " AND ".join(f"p.{quote(theirs)} = {alias}.{quote(own)}" for theirs, own in pairs)
        parts.append(f"({present} AND NOT EXISTS (SELECT 1 FROM {name} AS p WHERE {match}))")
    return f"({' OR '.join(parts)})" if parts else "FALSE"


def count(db: Database, sql: SqlFolder, backup: str, keys: Sequence[ForeignKey]) -> int | None:
    """How many rows have lost a parent; None where that takes too long to say."""
    return count_where(db, sql, backup, condition(keys)) if keys else 0


def count_where(db: Database, sql: SqlFolder, backup: str, text: str) -> int | None:
    """How many rows of a backup meet a condition; None where that takes longer than COUNT_FOR."""
    statement = sql.statement("restore/110_count_rows", {"backup": backup, "condition": Keywords((text,))})
    try:
        with db.statement_limit(COUNT_FOR):
            return int(db.value(statement.sql, statement.values))
    except TimedOut:
        return None


def lost(db: Database, sql: SqlFolder, name: str, key: ForeignKey) -> list[Any]:
    """The first parents that a backup's rows name and that are gone."""
    names = {"backup": name, "column": key.columns[0], "parent": qualified(key), "parent_key": key.ref_columns[0]}
    statement = sql.statement("restore/020_lost_parents", names, {"limit": PARENTS_AT_ONCE})
    return [row["value"] for row in db.rows(statement.sql, statement.values)]


@dataclass(frozen=True)
class SetAside:
    """Moves rows whose parent is gone out of a backup that has its keys again, so that no new ones appear."""

    sql: SqlFolder
    backup: str
    set_aside: str | None
    keys: tuple[ForeignKey, ...]

    @property
    def total(self) -> int | None:
        """Nobody knows how many rows there are."""
        return None

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Move the next rows of the next lost parents. Raises Failed where the plan knew of none."""
        for key in self.keys:
            parents = lost(db, self.sql, self.backup, key)
            if not parents:
                continue
            if self.set_aside is None:
                raise Failed(
                    "users or products were deleted while the restore began",
                    "Type the same command again.",
                    "new_orphans",
                )
            found = self.sql.statement(
                "restore/030_orphan_rows",
                {"backup": self.backup, "column": key.columns[0]},
                {"parents": parents, "limit": size},
            )
            ids = [row["id"] for row in db.rows(found.sql, found.values)]
            if ids:
                self._move(db, ids, self.set_aside)
            return Chunk(len(ids), f"{key.columns[0]}={parents[0]}", last=False)
        return Chunk(0, "no lost parents", last=True)

    def _move(self, db: Database, ids: Sequence[Any], aside: str) -> None:
        table = read_table(db, self.backup)
        assert isinstance(table, Table)
        names = {"backup": self.backup, "set_aside": aside, "columns": copy.plain(table.columns)}
        written = self.sql.statement("restore/050_set_aside_rows", names, {"ids": ids})
        with db.sql_mode(EXACT):
            db.execute(written.sql, written.values)
        removed = self.sql.statement("restore/060_remove_set_aside_rows", {"backup": self.backup}, {"ids": ids})
        db.execute(removed.sql, removed.values)


def steps(
    db: Database, sql: SqlFolder, table: str, backup: str, keys: tuple[ForeignKey, ...], *, backup_id: str, needed: bool
) -> list[Step]:
    """The steps that set rows aside, and make the table for them where it is needed."""
    if not keys:
        return []
    aside = f"{table}{SET_ASIDE}{backup_id}" if needed else None
    planned = []
    if aside and not facts.table_exists(db, aside):  # a restore that died may have made it already
        planned.append(create(sql, aside, backup))
    file = sql.file("restore/050_set_aside_rows")
    names = {"backup": backup, "set_aside": aside or "(not needed so far)", "columns": Keywords(("*",))}
    outline = file.outline(names, {})
    work = SetAside(sql, backup, aside, keys)
    planned.append(Step(f"set aside rows of {table} whose parent is gone", outline, work=work))
    return planned


def create(sql: SqlFolder, aside: str, like: str) -> Step:
    """The step that makes a table for what is set aside."""
    made = sql.statement("restore/040_create_set_aside", {"set_aside": aside, "backup": like})
    return Step(f"create {aside}", made, (Expect("table", aside),))
