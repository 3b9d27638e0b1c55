"""Keep every row by one atomic rename to backups, then drop the backups' foreign keys."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from rlops import counting, facts
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused
from rlops.ops import backups, declared
from rlops.ops.backups import Backup
from rlops.ops.partition import change, integrity
from rlops.plan import Answer, Expect, Plan, Step
from rlops.sqlfiles import SqlFolder, Statement
from rlops.structure import Other, Table, read_table
from rlops.words import counted


class Rollback:
    """Plans one rollback; planned twice (before and after the question), it names the same backup."""

    def __init__(self, environment: str) -> None:
        self.environment = environment
        self.id = ""

    def plan(self, db: Database, sql: SqlFolder) -> Plan:
        """Plan the rename of the tables that exist and the drop of every backup's foreign keys.

        Raises Refused when one of the names is a view; Denied when a privilege is missing.
        """
        change.refuse_busy(db, "a rollback")
        taken = backups.found(db, sql)
        self.id = self.id or backups.new_id(db, taken)
        live = self._live(db, sql)
        renames = [(name, f"{name}{backups.MARK}{self.id}") for name in live]
        steps = [
            *self._rename(sql, renames),
            *self._drop_keys(sql, renames, live),
            *self._leftovers(db, sql, taken),
            *self._drop_triggers(db, sql, renames, taken),
        ]
        tables = [{"table": old, "backup_table": new, **counting.count(db, old).fields()} for old, new in renames]
        notes = [f"{t['table']}: {_rows(t)} rows go to {t['backup_table']}" for t in tables]
        missing = [name for name in declared.names(sql) if name not in live]
        notes += [f"{name}: does not exist, stays so" for name in missing] if renames else []
        return Plan(
            "rollback", tuple(steps),
            {"backup": {"id": self.id, "mode": "rename", "tables": tables} if renames else None},
            tuple(notes),
            question=f"This removes {counted(len(renames), 'table')} from {db.schema}; every row is kept in backup {self.id}.",
            name_database=bool(renames) and self.environment == "production",
            again="rlops rollback",
        )  # fmt: skip

    def _live(self, db: Database, sql: SqlFolder) -> dict[str, Table]:
        live = {}
        for name in declared.names(sql):
            found = read_table(db, name)
            if isinstance(found, Other):
                raise Refused(
                    f"{name} is a {found.kind}, not a table; nothing was changed",
                    "Remove or rename it first.",
                    "not_a_table",
                )
            if found is not None:
                live[name] = found
        return live

    def _rename(self, sql: SqlFolder, renames: list[tuple[str, str]]) -> list[Step]:
        if not renames:
            return []
        statement = sql.statement("rollback/010_rename", {"renames": renames}, volatile=("renames",))
        statement = _held_to(statement, *(old for old, _ in renames))
        expect = [Expect("table", new) for _, new in renames] + [
            Expect("table", old, present=False) for old, _ in renames
        ]
        touches = (*(old for old, _ in renames), *_parents(sql))
        return [
            Step(f"rename {counted(len(renames), 'table')} to their backups", statement, tuple(expect), touches=touches)
        ]

    def _drop_keys(self, sql: SqlFolder, renames: list[tuple[str, str]], live: dict[str, Table]) -> list[Step]:
        return [
            _drop_key(sql, new, renamed_key(key.name or "", old, new), reviewed=(old, key.name or ""))
            for old, new in renames
            for key in live[old].foreign_keys
        ]  # fmt: skip

    def _drop_triggers(
        self, db: Database, sql: SqlFolder, renames: list[tuple[str, str]], taken: list[Backup]
    ) -> list[Step]:
        """After the rename the parents' triggers find no table, which their bodies bear, and the child's have nobody to guard."""
        each = integrity.the_child(sql)
        kept = [backup.tables[each.table.name] for backup in taken if each.table.name in backup.tables]
        there = facts.table_exists(db, each.table.name)
        if db.family == "oceanbase" or (there and each.table.name not in dict(renames)):
            return []
        moved = dict(renames)
        found = integrity.live(db, (*([each.table.name] if there else kept), *each.parents))
        return [integrity.drop(sql, name, moved.get(trigger.table, trigger.table)) for name, trigger in found.items()]

    def _leftovers(self, db: Database, sql: SqlFolder, taken: list[Backup]) -> list[Step]:
        # A run that died between the rename and the last drop left keys behind.
        return [
            _drop_key(sql, name, key.name or "", reviewed=(name, key.name or ""))
            for backup in taken
            for name, table in backups.tables_with_keys(db, backup).items()
            for key in table.foreign_keys
        ]


def _held_to(statement: Statement, *reviewed: str) -> Statement:
    # A backup's name has a time in it and stays out of a plan's hash; which tables and keys go must not.
    text = "\0".join((statement.identity, *reviewed))
    return replace(statement, identity=hashlib.sha256(text.encode()).hexdigest())


def _drop_key(sql: SqlFolder, backup: str, key: str, reviewed: tuple[str, str]) -> Step:
    statement = sql.statement(
        "rollback/020_drop_foreign_key", {"backup": backup, "key": key}, volatile=("backup", "key")
    )
    statement = _held_to(statement, *reviewed)
    expect = (Expect("foreign_key", backup, key, present=False),)
    return Step(f"drop the backup's foreign key {key}", statement, expect, touches=(backup, *_parents(sql)))


def _parents(sql: SqlFolder) -> list[str]:
    return sorted({parent for each in declared.tables(sql) for parent in each.parents})


def renamed_key(key: str, old: str, new: str) -> str:
    """A foreign key's name after its table was renamed: names that the server made (TABLE_ibfk_N) follow the table."""
    generated = re.fullmatch(rf"{re.escape(old)}(_ibfk_\d+)", key)
    return new + generated[1] if generated else key


def _rows(table: dict[str, object]) -> str:
    return ("about " if table["rows_estimated"] else "") + f"{table['rows']:,}"


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look at the result: the tables are gone, their backups are there and have no foreign keys."""
    wrong = []
    backup = answer.data["backup"]
    for table in backup["tables"] if backup else ():
        if read_table(db, table["table"]) is not None:
            wrong.append(f"{table['table']} exists")
        kept = read_table(db, table["backup_table"])
        if not isinstance(kept, Table):
            wrong.append(f"{table['backup_table']} is missing")
        elif kept.foreign_keys:
            wrong.append(f"{table['backup_table']} still has foreign keys")
    if wrong:
        error = Failed(
            "after the rollback " + ", ".join(wrong), "See what happened with `rlops history`.", "not_verified"
        )
        return replace(answer, exit=Exit.FAILED, error=error)
    if not answer.steps:
        return replace(
            answer, headline=f"Nothing to do: {db.schema} has none of the tables.", next="rlops backups list"
        )
    if not backup:
        return replace(answer, headline="The interrupted rollback is finished.", next="rlops backups list")
    total = sum(table["rows"] for table in backup["tables"])
    about = "about " if any(table["rows_estimated"] for table in backup["tables"]) else ""
    what = f"{counted(len(backup['tables']), 'table')} with {about}{counted(total, 'row')}"
    headline = f"Rolled back: {what} kept in backup {backup['id']}, verified."
    return replace(answer, headline=headline, next=f"`rlops restore {backup['id']}` brings them back")
