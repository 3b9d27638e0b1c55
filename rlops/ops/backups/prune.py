"""Drops backups that are older than wanted; never the newest verified one unless it is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rlops import counting, facts, manifests
from rlops.db import Database
from rlops.errors import Exit, Failed, Usage
from rlops.manifests import Record
from rlops.ops.backups import copy
from rlops.ops.backups.found import Backup, found, tables_with_keys
from rlops.ops.backups.listing import BYTES_SOURCE, age_days
from rlops.plan import Answer, Expect, Plan, Step
from rlops.sqlfiles import SqlFolder
from rlops.words import counted

BESIDE = ("__set_aside_", "__conflict_", "__replaced_")  # rows that a restore kept, which are nowhere else


def plan(db: Database, sql: SqlFolder, environment: str, *, older_than: int | None, named: Sequence[str] = ()) -> Plan:
    """Plan the drop of the named backups, or of all that are older than so many days (the policy's, when None).

    Raises Usage when a named one isn't there.
    """
    days = sql.policy.backups.max_age_days if older_than is None else older_than
    there = found(db, sql)
    unknown = [each for each in named if each not in {backup.id for backup in there}]
    if unknown:
        known = ", ".join(backup.id for backup in there) or "none"
        raise Usage(f"there is no backup {unknown[0]!r}", f"There are: {known}", "no_such_backup")
    newest = _newest(there)
    going, notes = [], []
    for backup in there:
        if (backup.id not in named) if named else (age_days(db, backup) < days):
            continue
        if reason := _keeps(db, backup, newest, named):
            notes.append(f"{backup.id} stays: {reason}")
            continue
        going.append(backup)
    steps: list[Step] = []
    for backup in reversed(going):
        steps += _drops(sql, backup)
    listed = [_listed(db, backup) for backup in going]
    notes += [f"{each['id']}: {each['rows']:,} rows, about {each['bytes']:,} bytes go for good" for each in listed]
    notes += _beside(db, going)
    which = ", ".join(backup.id for backup in going)
    again = " ".join(f"--backup {each}" for each in named) or f"--older-than {days}"
    return Plan(
        "backups prune", tuple(steps),
        {"older_than_days": None if named else days, "pruned": listed, "bytes_source": BYTES_SOURCE},
        tuple(notes),
        question=f"This drops {counted(len(going), 'backup')} of {db.schema} for good: {which}.",
        name_database=bool(going) and environment == "production",
        again=f"rlops backups prune {again}",
    )  # fmt: skip


def _newest(there: Sequence[Backup]) -> Backup | None:
    """The newest verified backup; the newest of all where none is verified."""
    return next((backup for backup in there if backup.verified), there[0] if there else None)


def _keeps(db: Database, backup: Backup, newest: Backup | None, named: Sequence[str]) -> str:
    if newest and backup.id == newest.id and backup.id not in named:
        what = "the newest verified one" if backup.verified else "the newest one, and none is verified"
        return f"it is {what}; name it with --backup {backup.id}"
    if tables_with_keys(db, backup) or (backup.record and backup.record.state == "begun"):
        return "its rollback or restore is unfinished; `rlops rollback` finishes it"
    destination = copy.unfinished(backup)
    if destination and copy.exists(db, destination):
        return f"its copy to {destination} is unfinished; `rlops rollback` finishes it"
    if backup.record and backup.record.state == "merging":
        return f"it is being merged; `rlops restore {backup.id} --merge` finishes that"
    return ""


def _drops(sql: SqlFolder, backup: Backup) -> list[Step]:
    steps = []
    for name in backup.tables.values():
        statement = sql.statement("backups/020_drop_backup", {"backup": name})
        steps.append(Step(f"drop {name}", statement, (Expect("table", name, present=False),), touches=(name,)))

    def pruned(db: Database) -> Record:
        return manifests.read(db)[backup.id].now("pruned")

    if backup.record:
        steps.append(manifests.step(sql, f"record that backup {backup.id} is gone", pruned))
    return steps


def _listed(db: Database, backup: Backup) -> dict[str, object]:
    names = list(backup.tables.values())
    return {
        "id": backup.id, "age_days": age_days(db, backup), "tables": names,
        "rows": sum(counting.count(db, name).rows for name in names),
        "bytes": sum(facts.bytes_of(db, name) for name in names),
    }  # fmt: skip


def _beside(db: Database, going: Sequence[Backup]) -> list[str]:
    ids = tuple(backup.id for backup in going)
    kept = [name for name in facts.tables(db) if any(mark in name for mark in BESIDE) and name.endswith(ids)]
    return [f"{name} stays: its rows may be nowhere else" for name in sorted(kept)] if ids else []


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look whether they are gone."""
    del sql
    present = facts.tables(db)
    left = [name for each in answer.data["pruned"] for name in each["tables"] if name in present]
    if left:
        error = Failed(f"{', '.join(left)} still there", f"Type `{'rlops backups prune'}` again.", "not_verified")
        return replace(answer, exit=Exit.FAILED, error=error)
    if not answer.data["pruned"]:
        return replace(answer, headline="Nothing to do: no backup goes.", next="rlops backups list")
    return replace(
        answer, headline=f"{counted(len(answer.data['pruned']), 'backup')} dropped.", next="rlops backups list"
    )
