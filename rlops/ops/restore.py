"""Bring a backup's tables back: under their names again, or, where they were made anew, merged into what is there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rlops import counting, facts, journal, manifests
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused, Usage
from rlops.manifests import Record
from rlops.ops import backups, declared
from rlops.ops.backups import Backup, bring_back, dependents, describe, guard, keys, merge, orphans, regrant
from rlops.ops.backups.bring_back import Kept, Planned
from rlops.ops.backups.merge import Merge, OnConflict
from rlops.ops.partition import hold
from rlops.plan import Answer, Plan, Step
from rlops.sqlfiles import SqlFolder, quote
from rlops.structure import ForeignKey, Table, normalise, read_table
from rlops.words import counted

RENAME = bring_back.RENAME


def plan(
    db: Database,
    sql: SqlFolder,
    backup_id: str | None,
    *,
    merging: bool = False,
    on_conflict: OnConflict = "keep",
    environment: str = "production",
) -> Plan:
    """Plan the way back of the named backup, or of the newest.

    Raises Usage when there is no such backup; Refused when one of its tables exists and `merging` is not said, or when
    its rows don't fit into it; Denied when a privilege is missing.
    """
    taken = backups.found(db, sql)
    again = "rlops restore" + (f" {backup_id}" if backup_id else "") + (" --merge" if merging else "")
    if on_conflict == "backup":
        again += " --on-conflict backup"
    if (there := _brought_back(db, sql, taken)) and backup_id in (None, there.id):
        return _finish(db, sql, there, again)
    backup = _choose(db, taken, backup_id)
    existing = {name for name in backup.tables if read_table(db, name) is not None}
    if existing and not merging:
        _refuse_existing(db, backup, existing)
    if declared.INTERACTIONS in existing:
        hold.refuse_unfinished(db, "a merge")
    kept = _kept(db, sql, backup)
    floor = backups.counters(db, sql)
    plans = [
        _merge(db, sql, backup, each, floor, on_conflict=on_conflict) if each.table in existing
        else bring_back.table(db, sql, backup.id, each, floor.get(each.table, 1))
        for each in kept
    ]  # fmt: skip
    steps = keys.left(db, sql, backup, sorted(existing)) + [step for planned in plans for step in planned.steps]
    renames = [(each.backup_table, each.table) for each in kept if each.table not in existing]
    if renames:
        parents = sorted({key.ref_table for each in kept for key in each.parents})
        steps = [*guard.steps(db, sql, backup, kept, renames), *steps, bring_back.rename(sql, renames, parents)]
        steps += [step for planned in plans for step in planned.after]
    if steps:
        steps += regrant.steps(db, sql, backup)
        steps += _ended(sql, backup, merged=bool(existing))
        if existing and (not backup.record or backup.record.state != "merging"):
            steps.insert(0, _begun(db, sql, backup))
    notes = [note for planned in plans for note in planned.notes]
    notes += regrant.notes(db, sql, backup)
    return Plan(
        "restore", tuple(steps),
        {"backup": backup.id, "merge": merging, "on_conflict": on_conflict if merging else None,
         "tables": [planned.data for planned in plans]},
        tuple(notes),
        question=f"This puts rows of backup {backup.id} in the place of live rows of {db.schema}; those are kept in tables"
        f" of their own ({merge.REPLACED}{backup.id}).",
        name_database=bool(existing and steps) and on_conflict == "backup" and environment == "production",
        again=again,
    )  # fmt: skip


def _choose(db: Database, found: list[Backup], backup_id: str | None) -> Backup:
    for backup in found:
        if backup_id in (None, backup.id):
            return backup
    record = manifests.read(db).get(backup_id or "")
    if record and record.manifest.get("copies"):
        moves = ", ".join(
            f"{quote(record.manifest['copy_to'])}.{name} TO {quote(db.schema)}.{name}"
            for name in (quote(each["backup_table"]) for each in record.manifest["tables"])
        )
        raise Refused(
            f"the tables of backup {record.id} are not in {db.schema} any more, but they were copied to"
            f" {record.manifest['copy_to']}. Nothing was changed",
            f"Bring the copies here, which takes no time at any size, then type the same command again:\nRENAME TABLE {moves};",
            "only_a_copy",
        )
    if not found:
        raise Refused(f"{db.schema} has no backups; nothing was changed", "`rlops rollback` makes one.", "no_backup")
    raise Usage(
        f"there is no backup {backup_id!r}", "There are: " + ", ".join(backup.id for backup in found), "no_such_backup"
    )


def _refuse_existing(db: Database, backup: Backup, existing: set[str]) -> None:
    names = ", ".join(name for name in backup.tables if name in existing)
    raise Refused(
        f"{names} exist{'s' if len(existing) == 1 else ''} in {db.schema}; a restore would have to replace what is there."
        " Nothing was changed",
        "Move them aside first with `rlops rollback`, which keeps every row; or bring both together with"
        f" `rlops restore {backup.id} --merge`.", "tables_exist",
    )  # fmt: skip


def _kept(db: Database, sql: SqlFolder, backup: Backup) -> list[Kept]:
    wanted = {each.table.name: each.table for each in declared.tables(sql)}
    found = []
    for table in sorted(backup.tables, key=[*wanted, *backup.tables].index):
        live = read_table(db, backup.tables[table])
        assert isinstance(live, Table)
        declared_keys = normalise(wanted[table], db.family).foreign_keys if table in wanted else ()
        described = backup.manifest.get(table, {})
        keys = describe.keys(described, wanted[table], db.family, live) if table in wanted or described else ()
        # seekdb lists keys in another order than they were added in; the declared order gives the same list again.
        places = [key.columns for key in declared_keys]
        if all(key.columns in places for key in keys):
            keys = tuple(sorted(keys, key=lambda key: places.index(key.columns)))
        # Rows are looked at by the declared keys too: a partitioned table has none, and its rows lose parents all the same.
        had = {key.columns for key in keys}
        parents = (*keys, *(key for key in declared_keys if key.columns not in had))
        keys, parents = (tuple(_along(key, backup) for key in each) for each in (keys, parents))
        found.append(Kept(table, backup.tables[table], live, keys, parents))
    return found


def _along(key: ForeignKey, backup: Backup) -> ForeignKey:
    """The key to another table of the backup is added while that one has its backup's name, and follows its rename."""
    there = None if key.ref_schema else backup.tables.get(key.ref_table)
    return replace(key, ref_table=there) if there else key


def _merge(
    db: Database, sql: SqlFolder, backup: Backup, each: Kept, floor: dict[str, int], *, on_conflict: OnConflict
) -> Planned:
    live = read_table(db, each.table)
    if not isinstance(live, Table):
        raise Refused(
            f"{each.table} is a view, not a table; nothing was changed", "Remove or rename it first.", "not_a_table"
        )
    fits = merge.match(live, each.live, db.family)
    had = {key.columns for key in live.foreign_keys}
    parents = (*live.foreign_keys, *(key for key in each.parents if key.columns not in had))
    rows = counting.count(db, each.backup_table)
    done = backup.record.progress.get(each.table, {}) if backup.record else {}
    anew = merge.is_gone(db, sql, each.backup_table, fits, done)
    done = {} if anew else done
    data = {
        "table": each.table, "backup_table": each.backup_table, **rows.fields(), "merge": True,
        "merged": done.get("merged", 0), "done": bool(done.get("done")),
    }  # fmt: skip
    if done.get("done"):
        return Planned([], data | {"conflicts": {}, "orphans": done.get("set_aside", 0)}, [])
    if on_conflict == "backup":
        why = "foreign keys refer to live rows that would make way, and would take or change the rows that have them"
        dependents.refuse_keys(db, dependents.referring(db, sql, [each.table]), why, "the merge")
    fired = merge.triggers(db, sql, each.table, on_conflict)
    reasons = ", ".join([*(f"the trigger {name}" for name in fired["INSERT"]), *fits.retyped()])
    work = Merge(sql, backup.id, each.table, each.backup_table, fits, parents, on_conflict, rows.rows, reasons, anew)
    merge.refuse_replaced(db, work, done)
    clashes = merge.conflicts(db, sql, work)
    lost = orphans.count(db, sql, each.backup_table, parents)
    steps = [
        *bring_back.raise_counter(
            sql, db, each.table, live, max(floor.get(each.table, 1), each.live.auto_increment or 1)
        ),
        *merge.steps(sql, work, set(facts.tables(db))),
    ]
    notes = merge.notes(work, rows, clashes, lost, fired)
    return Planned(steps, data | {"conflicts": clashes, "orphans": lost}, notes)


def _begun(db: Database, sql: SqlFolder, backup: Backup) -> Step:
    def merging(db: Database) -> Record:
        record = manifests.read(db).get(backup.id)
        if record is None:
            told = [(table, name, name) for table, name in backup.tables.items()]
            found = describe.manifest(db, sql, "unknown", told)
            for each in found["tables"]:  # they have none any more, which says nothing of those that they had
                del each["foreign_keys"]
                each.update(describe.sizes(db, each["backup_table"]))
            record = manifests.by(journal.Actor.current(), None, backup.id, "merging", found)
        return record.now("merging")

    return manifests.step(sql, "record that the backup is being merged", merging)


def _ended(sql: SqlFolder, backup: Backup, *, merged: bool) -> list[Step]:
    if not merged and backup.record is None:
        return []
    state = "merged" if merged else "restored"
    return [
        manifests.step(sql, f"record the backup as {state}", lambda db: manifests.read(db)[backup.id].now(state))
    ]  # fmt: skip


def _brought_back(db: Database, sql: SqlFolder, taken: list[Backup]) -> Backup | None:
    """The backup that the latest run renamed back, or an earlier one that died before it recorded so."""
    moved = journal.last_move(db, RENAME, "rollback/010_rename")
    if moved is None or moved["file"] != RENAME:
        return None
    ids = set(re.findall(rf"{backups.MARK}(\d+_\d+(?:_\d+)?)` TO ", moved["sql_text"]))
    if len(ids) != 1 or ids & {backup.id for backup in taken}:
        return None
    backup_id = ids.pop()
    found = Backup(backup_id, {}, manifests.read(db).get(backup_id))
    if not moved["latest"] and (found.record is None or found.record.state == "restored"):
        return None
    for name in (*declared.names(sql), *found.manifest):
        if f"`{name}{backups.MARK}{found.id}` TO " in moved["sql_text"]:
            found.tables[name] = f"{name}{backups.MARK}{found.id}"
    return found if all(facts.table_exists(db, name) for name in found.tables) else None


def _finish(db: Database, sql: SqlFolder, there: Backup, again: str) -> Plan:
    """What is left to do after the rename of a run that died: perhaps nothing."""
    steps = [*guard.orphans_left(db, sql, there), *regrant.steps(db, sql, there)]
    if there.record and there.record.state != "restored":
        steps += _ended(sql, there, merged=False)
    tables = [
        {"table": old, "backup_table": new, **counting.count(db, old).fields(), "lost_parents": 0}
        for old, new in there.tables.items()
    ]
    notes = regrant.notes(db, sql, there)
    return Plan("restore", tuple(steps), {"backup": there.id, "tables": tables}, tuple(notes), again=again)


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look at the result: the tables are back with their keys; count them, and the rows that were set aside."""
    backup_id, tables, wrong = answer.data["backup"], [], []
    record = manifests.read(db).get(backup_id)
    for table in answer.data["tables"]:
        live = read_table(db, table["table"])
        if not isinstance(live, Table):
            wrong.append(f"{table['table']} is missing")
            continue
        tables.append({**table, **counting.count(db, table["table"]).fields(), **_beside(db, table, backup_id, record)})
    if wrong:
        error = Failed(
            "after the restore " + ", ".join(wrong), "See what happened with `rlops history`.", "not_verified"
        )
        return replace(answer, exit=Exit.FAILED, error=error)
    merged = bool(answer.data.get("merge"))
    return replace(
        answer, data={**answer.data, "tables": tables}, next="rlops verify",
        headline=_headline(answer, tables, merged=merged),
    )  # fmt: skip


def _beside(db: Database, table: dict[str, Any], backup_id: str, record: Record | None) -> dict[str, Any]:
    """What a restore kept beside a table: how many rows, and where."""
    found: dict[str, Any] = {}
    for key, mark in (("orphans", orphans.SET_ASIDE), ("conflicting", merge.CONFLICT), ("replaced", merge.REPLACED)):
        name = f"{table['table']}{mark}{backup_id}"
        rows = counting.count(db, name).rows if read_table(db, name) else 0
        found[key] = rows
        found["set_aside" if key == "orphans" else f"{key}_in"] = name if rows else None
    if table.get("merge") and record:
        done = record.progress.get(table["table"], {})
        found |= {"merged": done.get("merged", 0), "already_there": done.get("same", 0), "done": bool(done.get("done"))}
    return found


def _headline(answer: Answer, tables: Sequence[dict[str, Any]], *, merged: bool) -> str:
    total, aside = sum(t["rows"] for t in tables), sum(t["orphans"] for t in tables)
    about = "about " if any(t["rows_estimated"] for t in tables) else ""
    held = f"{counted(len(tables), 'table')} with {about}{counted(total, 'row')}"
    if merged:
        brought = sum(t.get("merged", 0) for t in tables)
        what = f"Merged backup {answer.data['backup']}: {counted(brought, 'row')} brought in, {held} now"
        if not answer.steps:
            what = f"Nothing to do: backup {answer.data['backup']} is merged already; {held}"
        clashing, replaced = (sum(t[key] for t in tables) for key in ("conflicting", "replaced"))
        what += f"; {counted(clashing, 'row')} kept aside whose key a live row has" if clashing else ""
        what += f"; {counted(replaced, 'live row')} made way and are kept aside" if replaced else ""
    else:
        what = "Restored from backup" if answer.steps else "Nothing to do: the latest run restored backup"
        what = f"{what} {answer.data['backup']}: {held}"
    return what + (
        f"; {counted(aside, 'row')} whose user or product is gone set aside." if aside else "; no row was set aside."
    )
