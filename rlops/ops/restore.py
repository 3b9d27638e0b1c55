"""Bring a backup's tables back under their names, with their foreign keys; rows without a parent are set aside."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from rlops import counting, facts, journal
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused, Usage
from rlops.ops import backups, declared, form
from rlops.ops.backups import Backup
from rlops.ops.declared import Declared
from rlops.ops.partition import convert, integrity
from rlops.plan import Answer, Chunk, Expect, Plan, Step
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import ForeignKey, Table, normalise, read_table
from rlops.words import counted

PARENTS_AT_ONCE = 500
SET_ASIDE = "__set_aside_"
RENAME = "restore/070_rename"


def plan(db: Database, sql: SqlFolder, backup_id: str | None) -> Plan:
    """Plan the way back of the named backup, or of the newest.

    Raises Usage when there is no such backup, Refused when one of its tables exists, Denied when a privilege is missing.
    """
    taken = backups.found(db, sql)
    if (there := _brought_back(db, sql, taken)) and backup_id in (None, there.id):
        tables = [{"table": old, "backup_table": new, "lost_parents": 0} for old, new in there.tables.items()]
        return Plan("restore", (), {"backup": there.id, "tables": tables}, again=f"rlops restore {there.id}")
    backup = _choose(taken, backup_id, db.schema)
    _refuse_existing(db, backup)
    steps: list[Step] = []
    tables = []
    parents = sorted({parent for each in declared.tables(sql) for parent in each.parents})
    for wanted in declared.tables(sql):
        name = backup.tables.get(wanted.table.name)
        if name is None:
            continue
        keys = normalise(wanted.table, db.family).foreign_keys
        lost = _lost_parents(db, sql, name, keys)
        steps += _integrity(db, sql, wanted, name, keys)
        steps += _set_aside(db, sql, backup, wanted.table.name, keys, needed=lost > 0)
        tables.append(
            {
                "table": wanted.table.name,
                "backup_table": name,
                **counting.count(db, name).fields(),
                "lost_parents": lost,
            }
        )
    renames = [(new, old) for old, new in backup.tables.items()]
    statement = sql.statement(RENAME, {"renames": renames})
    expect = [Expect("table", old) for _, old in renames] + [Expect("table", new, present=False) for new, _ in renames]
    steps.append(
        Step(
            f"give {counted(len(renames), 'backup')} the tables' names again",
            statement,
            tuple(expect),
            touches=(*backup.tables.values(), *parents),
        )
    )
    notes = tuple(
        f"{t['table']}: {t['lost_parents']} users or products are gone; their rows go to {t['table']}{SET_ASIDE}{backup.id}"
        for t in tables if t["lost_parents"]
    )  # fmt: skip
    return Plan(
        "restore", tuple(steps), {"backup": backup.id, "tables": tables}, notes, again=f"rlops restore {backup.id}"
    )


def _choose(found: list[Backup], backup_id: str | None, schema: str) -> Backup:
    if not found:
        raise Refused(f"{schema} has no backups; nothing was changed", "`rlops rollback` makes one.", "no_backup")
    if backup_id is None:
        return found[0]
    for backup in found:
        if backup.id == backup_id:
            return backup
    raise Usage(
        f"there is no backup {backup_id!r}", "There are: " + ", ".join(backup.id for backup in found), "no_such_backup"
    )


def _brought_back(db: Database, sql: SqlFolder, taken: list[Backup]) -> Backup | None:
    """The backup that the latest run renamed back, if that still stands; the run may have died right after it."""
    latest = journal.runs(db, 1)
    if not latest or latest[0]["command"] != "restore":
        return None
    renamed = [step["sql_text"] for step in journal.steps_of(db, latest[0]["id"]) if step["file"] == RENAME]
    ids = set(re.findall(rf"{backups.MARK}(\d+_\d+(?:_\d+)?)` TO ", renamed[0] if renamed else ""))
    if len(ids) != 1 or ids & {backup.id for backup in taken}:
        return None
    found = Backup(ids.pop(), {})
    for name in declared.names(sql):
        if f"`{name}{backups.MARK}{found.id}` TO " in renamed[0]:
            found.tables[name] = f"{name}{backups.MARK}{found.id}"
    return found if all(facts.table_exists(db, name) for name in found.tables) else None


def _refuse_existing(db: Database, backup: Backup) -> None:
    existing = [name for name in backup.tables if read_table(db, name) is not None]
    if existing:
        raise Refused(
            f"{', '.join(existing)} exist{'s' if len(existing) == 1 else ''} in {db.schema}; a restore would have to replace what is there."
            " Nothing was changed",
            "Move them aside first with `rlops rollback`, which keeps every row.", "tables_exist",
        )  # fmt: skip


def _integrity(db: Database, sql: SqlFolder, wanted: Declared, name: str, keys: tuple[ForeignKey, ...]) -> list[Step]:
    """The backup's foreign keys; or, where it is partitioned, the triggers in their place, which the rename takes along."""
    known = form.recorded(db)
    which = form.PARTITIONED if facts.is_partitioned(db, name) else form.FOREIGN_KEYS
    if wanted.table.name != declared.INTERACTIONS or which == form.FOREIGN_KEYS or db.family == "oceanbase":
        steps = _keys(db, sql, name, keys)
        kept, by = form.FOREIGN_KEYS, None
    elif known.integrity == form.NONE:
        steps, kept, by = [], form.NONE, None
    else:
        steps, by = integrity.enabling(db, sql, wanted, on=name)
        kept = form.TRIGGERS
    if wanted.table.name == declared.INTERACTIONS and known.form not in (None, which):
        steps += convert.records(sql, which, kept, by)
    return steps


def _keys(db: Database, sql: SqlFolder, name: str, keys: tuple[ForeignKey, ...]) -> list[Step]:
    live = read_table(db, name)
    have = {key.columns for key in live.foreign_keys} if isinstance(live, Table) else set()
    steps = []
    for key in keys:
        if key.columns in have:
            continue
        names: dict[str, Any] = {
            "backup": name, "key": key.name or "", "columns": list(key.columns), "parent_columns": list(key.ref_columns),
            "parent": _qualified(key), "on_delete": _action("DELETE", key.on_delete), "on_update": _action("UPDATE", key.on_update),
        }  # fmt: skip
        statement = sql.statement("restore/010_add_foreign_key", names)
        expect = (Expect("foreign_key", name, key.name or ""),)
        touches = (name, key.ref_table)
        steps.append(
            Step(f"add the backup's foreign key {key.name}", statement, expect, checks_off=True, touches=touches)
        )
    return steps


def _action(event: str, action: str) -> Keywords:
    # NO ACTION is the default, and left out: MariaDB shows it where it was said, and the key is to come back as it was.
    return Keywords(("" if action == "NO ACTION" else f"ON {event} {action}",))


def _qualified(key: ForeignKey) -> str | Keywords:
    return Keywords((f"{quote(key.ref_schema)}.{quote(key.ref_table)}",)) if key.ref_schema else key.ref_table


def _lost_parents(db: Database, sql: SqlFolder, name: str, keys: tuple[ForeignKey, ...]) -> int:
    return sum(len(_lost(db, sql, name, key)) for key in keys)


def _lost(db: Database, sql: SqlFolder, name: str, key: ForeignKey) -> list[Any]:
    names = {"backup": name, "column": key.columns[0], "parent": _qualified(key), "parent_key": key.ref_columns[0]}
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
            parents = _lost(db, self.sql, self.backup, key)
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
                names = {"backup": self.backup, "set_aside": self.set_aside}
                for file in ("restore/050_set_aside_rows", "restore/060_remove_set_aside_rows"):
                    statement = self.sql.statement(file, names, {"ids": ids})
                    db.execute(statement.sql, statement.values)
            return Chunk(len(ids), f"{key.columns[0]}={parents[0]}", last=False)
        return Chunk(0, "no lost parents", last=True)


def _set_aside(
    db: Database, sql: SqlFolder, backup: Backup, table: str, keys: tuple[ForeignKey, ...], *, needed: bool
) -> list[Step]:
    if not keys:
        return []
    name = backup.tables[table]
    aside = f"{table}{SET_ASIDE}{backup.id}" if needed else None
    steps = []
    if aside and not facts.table_exists(db, aside):  # a restore that died may have made it already
        made = sql.statement("restore/040_create_set_aside", {"set_aside": aside, "backup": name})
        steps.append(Step(f"create {aside}", made, (Expect("table", aside),)))
    file = sql.file("restore/050_set_aside_rows")
    outline = file.outline({"backup": name, "set_aside": aside or "(not needed so far)"}, {})
    steps.append(
        Step(f"set aside rows of {table} whose parent is gone", outline, work=SetAside(sql, name, aside, keys))
    )
    return steps


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look at the result: the tables are back with their keys; count them, and the rows that were set aside."""
    tables, wrong = [], []
    for table in answer.data["tables"]:
        live = read_table(db, table["table"])
        if not isinstance(live, Table):
            wrong.append(f"{table['table']} is missing")
            continue
        aside = f"{table['table']}{SET_ASIDE}{answer.data['backup']}"
        orphans = counting.count(db, aside).rows if read_table(db, aside) else 0
        tables.append(
            {
                **table,
                **counting.count(db, table["table"]).fields(),
                "orphans": orphans,
                "set_aside": aside if orphans else None,
            }
        )
    if wrong:
        error = Failed(
            "after the restore " + ", ".join(wrong), "See what happened with `rlops history`.", "not_verified"
        )
        return replace(answer, exit=Exit.FAILED, error=error)
    total, orphans = sum(t["rows"] for t in tables), sum(t["orphans"] for t in tables)
    about = "about " if any(t["rows_estimated"] for t in tables) else ""
    what = "Restored from backup" if answer.steps else "Nothing to do: the latest run restored backup"
    headline = f"{what} {answer.data['backup']}: {counted(len(tables), 'table')} with {about}{counted(total, 'row')}"
    headline += (
        f"; {counted(orphans, 'row')} whose user or product is gone set aside."
        if orphans
        else "; no row was set aside."
    )
    return replace(answer, data={**answer.data, "tables": tables}, headline=headline, next="rlops verify")
