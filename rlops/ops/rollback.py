"""Keep every row by one atomic rename to backups, drop the backups' foreign keys, and copy them elsewhere where wanted."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Any

from rlops import counting, facts, manifests, privileges
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused, Usage
from rlops.journal import Actor
from rlops.manifests import Record
from rlops.ops import backups, declared
from rlops.ops.backups import Backup, copy, dependents, describe, keys
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import change, hold, integrity
from rlops.plan import Answer, Expect, Plan, Step
from rlops.sqlfiles import SqlFolder
from rlops.structure import Other, Table, read_table
from rlops.words import counted

BYTES = "the server's estimate, which lags behind"
LONGEST_NAME = 64  # characters, on every engine


class Rollback:
    """Plans one rollback; planned twice (before and after the question), it names the same backup.

    `only`: these of the declared tables, all when empty. `copy_to`: the schema that gets a copy, if one does.
    """

    def __init__(
        self, environment: str, only: Sequence[str] = (), copy_to: str | None = None, ticket: str | None = None
    ) -> None:
        self.environment, self.only, self.copy_to, self.ticket = environment, tuple(only), copy_to, ticket
        self.id = ""

    def plan(self, db: Database, sql: SqlFolder) -> Plan:
        """Plan the rename of the tables that exist and the drop of every backup's foreign keys.

        Raises Usage for a table that is not declared; Refused when one of the names is a view, or something of the
        shop's would break; Denied when a privilege is missing.
        """
        change.refuse_busy(db, "a rollback")
        taken = backups.found(db, sql)
        self.id = self.id or backups.new_id(db, taken, self.copy_to)
        live = self._live(db, sql)
        renames = [(name, f"{name}{backups.MARK}{self.id}") for name in live]
        depend = self._look(db, sql, live, renames)
        leftovers = self._leftovers(db, sql, taken)
        tables = [
            {"table": old, "backup_table": new, **counting.count(db, old).fields(), "bytes": facts.bytes_of(db, old)}
            for old, new in renames
        ]
        triggers = self._drop_triggers(db, sql, renames, taken)
        steps = [*self._new(db, sql, renames, live, tables), *leftovers, *triggers]
        notes = [
            f"{t['table']}: {_rows(t)} rows, about {t['bytes']:,} bytes ({BYTES}), go to {t['backup_table']}"
            for t in tables
        ]
        missing = [name for name in self._chosen(sql) if name not in live]
        notes += [f"{name}: does not exist, stays so" for name in missing] if renames else []
        notes += _on_its_way(db, live)
        notes += depend.notes() if depend else ()
        lacking = copy.denied(db, self.copy_to) if self.copy_to and live else None
        notes += [lacking.message] if lacking else []
        mode = "copy" if self.copy_to else "rename"
        backup = {"id": self.id, "mode": mode, "tables": tables, "copy_to": self.copy_to, "bytes_source": BYTES}
        return Plan(
            "rollback", tuple(steps),
            {"backup": backup if renames else None, "dependents": depend.data() if depend else None},
            tuple(notes),
            question=f"This removes {counted(len(renames), 'table')} from {db.schema}; every row is kept in backup {self.id}.",
            name_database=bool(renames) and self.environment == "production",
            again="rlops rollback",
        )  # fmt: skip

    def _chosen(self, sql: SqlFolder) -> list[str]:
        names = declared.names(sql)
        for name in self.only:
            if name not in names:
                raise Usage(
                    f"{name!r} is none of the declared tables", "There are: " + ", ".join(names), "no_such_table"
                )
        return [name for name in names if not self.only or name in self.only]

    def _live(self, db: Database, sql: SqlFolder) -> dict[str, Table]:
        live = {}
        for name in self._chosen(sql):
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

    def _look(
        self, db: Database, sql: SqlFolder, live: dict[str, Table], renames: list[tuple[str, str]]
    ) -> dependents.Dependents | None:
        if not live:
            return None
        for old, new in renames:
            if len(new) > LONGEST_NAME:
                raise Refused(
                    f"the backup of {old} would be called {new}, which is longer than {LONGEST_NAME} characters."
                    " Nothing was changed",
                    "Declare it under a shorter name in a folder of your own (--sql-dir).",
                    "long_name",
                )
        if self.copy_to:
            copy.refuse(db, self.copy_to, live)
        depend = dependents.find(db, sql, list(live))
        depend.refuse(db)
        return depend

    def _new(
        self,
        db: Database,
        sql: SqlFolder,
        renames: list[tuple[str, str]],
        live: dict[str, Table],
        tables: list[dict[str, Any]],
    ) -> list[Step]:
        if not renames:
            return []
        mode = "copy" if self.copy_to else "rename"

        def begun(db: Database) -> Record:
            if self.copy_to and (lacking := copy.denied(db, self.copy_to)):
                raise lacking
            found = describe.manifest(db, sql, mode, [(old, new, old) for old, new in renames], self.copy_to)
            for each, counts in zip(found["tables"], tables, strict=True):
                each.update(counts)
            return manifests.by(Actor.current(), self.ticket, self.id, "begun", found)

        steps = [
            manifests.step(sql, "record what the backup is going to be", begun),
            self._rename(sql, renames),
            *(
                keys.drop(sql, new, renamed_key(key.name or "", old, new), reviewed=(old, key.name or ""))
                for old, new in renames
                for key in live[old].foreign_keys
            ),
            _complete(sql, self.id),
        ]
        if self.copy_to:
            rows = {t["backup_table"]: t["rows"] for t in tables}
            steps += copy.steps(db, sql, Backup(self.id, dict(renames)), self.copy_to, rows, volatile=True)
            steps.append(_copied(sql, self.id))
        return steps

    def _rename(self, sql: SqlFolder, renames: list[tuple[str, str]]) -> Step:
        statement = sql.statement("rollback/010_rename", {"renames": renames}, volatile=("renames",))
        statement = statement.held_to(*(old for old, _ in renames))
        expect = [Expect("table", new) for _, new in renames] + [
            Expect("table", old, present=False) for old, _ in renames
        ]
        touches = (*(old for old, _ in renames), *keys.parents(sql))
        return Step(
            f"rename {counted(len(renames), 'table')} to their backups", statement, tuple(expect), touches=touches
        )

    def _drop_triggers(
        self, db: Database, sql: SqlFolder, renames: list[tuple[str, str]], taken: list[Backup]
    ) -> list[Step]:
        """After the rename the parents' triggers find no table, which their bodies bear, and the child's have nobody to guard."""
        each = integrity.the_child(sql)
        kept = [backup.tables[each.table.name] for backup in taken if each.table.name in backup.tables]
        there = facts.table_exists(db, each.table.name)
        if db.engine.can.keys_on_partitions or (there and each.table.name not in dict(renames)):
            return []
        if not privileges.own(db).has("TRIGGER", db.schema):
            return []  # the run is refused for it, with everything else that its account lacks
        moved = dict(renames)
        found = integrity.live(db, (*([each.table.name] if there else kept), *each.parents))
        return [integrity.drop(sql, name, moved.get(trigger.table, trigger.table)) for name, trigger in found.items()]

    def _leftovers(self, db: Database, sql: SqlFolder, taken: list[Backup]) -> list[Step]:
        """What a run that died left: keys between the rename and their drop, a manifest, a copy."""
        steps: list[Step] = []
        for backup in taken:
            steps += keys.left(db, sql, backup, list(backup.tables))
            if backup.record and backup.record.state == "begun":
                steps.append(_complete(sql, backup.id))
            destination = copy.unfinished(backup)
            if destination and copy.exists(db, destination):
                steps += copy.steps(db, sql, backup, destination, copy.rows_of(db, backup))
                steps.append(_copied(sql, backup.id))
        return steps


def _on_its_way(db: Database, tables: Container[str]) -> tuple[str, ...]:
    month = hold.being_filled(db)
    if month is None or INTERACTIONS not in tables:
        return ()
    return (
        f"{month.month:%Y-%m} is on its way out: {month.table} stays as it is, and some of its rows may be nowhere else;"
        " after `rlops restore` the next `rlops cleanup` goes on with it",
    )


def _complete(sql: SqlFolder, backup_id: str) -> Step:
    def kept(db: Database) -> Record:
        taken = backups.found(db, sql)
        manifests.abandon(db, {backup.id for backup in taken})
        record = manifests.read(db)[backup_id]
        manifests.stop_merges(db, [each["table"] for each in record.manifest["tables"]])
        tables = [{**each, **counting.count(db, each["backup_table"]).fields()} for each in record.manifest["tables"]]
        return record.now("kept", tables=tables)

    return manifests.step(sql, "count the backup's rows and record it as kept", kept)


def _copied(sql: SqlFolder, backup_id: str) -> Step:
    return manifests.step(
        sql, "record the copy", lambda db: copy.completed(db, manifests.read(db)[backup_id])
    )  # fmt: skip


def renamed_key(key: str, old: str, new: str) -> str:
    """A foreign key's name after its table was renamed: names that the server made (TABLE_ibfk_N) follow the table."""
    generated = re.fullmatch(rf"{re.escape(old)}(_ibfk_\d+)", key)
    return new + generated[1] if generated else key


def _rows(table: dict[str, Any]) -> str:
    return ("about " if table["rows_estimated"] else "") + f"{table['rows']:,}"


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look at the result: the tables are gone, their backups are there and have no foreign keys."""
    backup = answer.data["backup"]
    wrong = _wrong(db, backup["tables"] if backup else ())
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
    record = manifests.read(db).get(backup["id"])
    copies = record.manifest.get("copies", ()) if record else ()
    total = sum(table["rows"] for table in backup["tables"])
    about = "about " if any(table["rows_estimated"] for table in backup["tables"]) else ""
    what = f"{counted(len(backup['tables']), 'table')} with {about}{counted(total, 'row')}"
    headline = f"Rolled back: {what} kept in backup {backup['id']}, verified."
    if copies:
        rows = sum(each["rows"] for each in copies)
        headline += f" Copied to {backup['copy_to']}: {counted(rows, 'row')}, the same hashes on both sides."
    data = {**answer.data, "backup": {**backup, "copies": copies}}
    notes = (*answer.notes, *_on_its_way(db, {table["table"] for table in backup["tables"]}))
    return replace(
        answer, data=data, notes=notes, headline=headline, next=f"`rlops restore {backup['id']}` brings them back"
    )


def _wrong(db: Database, tables: Sequence[dict[str, Any]]) -> list[str]:
    wrong = []
    for table in tables:
        if read_table(db, table["table"]) is not None:
            wrong.append(f"{table['table']} exists")
        kept = read_table(db, table["backup_table"])
        if not isinstance(kept, Table):
            wrong.append(f"{table['backup_table']} is missing")
        elif kept.foreign_keys:
            wrong.append(f"{table['backup_table']} still has foreign keys")
    return wrong
