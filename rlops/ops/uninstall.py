"""Remove rlops' own tables; never the three tables, their backups or rows that were set aside."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from rlops import facts, journal, lease
from rlops.db import Damaged, Database
from rlops.errors import Exit, Failed
from rlops.ops import backups
from rlops.ops.partition import change, hold
from rlops.plan import Answer, Expect, Plan, Step
from rlops.sqlfiles import SqlFolder
from rlops.words import counted


def plan(db: Database, sql: SqlFolder, environment: str) -> Plan:
    """Plan the removal of rlops' own tables, journal last, since the run lock's holder is named in it."""
    with suppress(Damaged):  # uninstall is the way out of a record that can't be read
        hold.refuse_unfinished(db, "uninstall")
        change.refuse_busy(db, "to remove rlops")
    own = _present(db)
    if own and db.engine.can.run_lock == "lease":
        own.append(lease.TABLE)  # the run lock makes it anew for as long as this run takes
    file = sql.file("uninstall/010_drop_own_table")
    steps = tuple(
        Step(f"drop {name}", file.statement({"table": name}), (Expect("table", name, present=False),)) for name in own
    )
    kept = backups.found(db, sql)
    listed = f"{counted(len(kept), 'backup')} stay as they are: {', '.join(b.id for b in kept)}"
    notes = (f"{listed}; their manifests go, and a restore then goes by the declared form",) if kept else ()
    return Plan(
        "uninstall", steps, {"removed": own, "kept_backups": [backup.id for backup in kept]}, notes,
        question=f"This removes rlops' journal and its record of {db.schema}; the three tables stay.",
        name_database=environment == "production" and bool(steps),
        again="rlops uninstall", journaled=False,
    )  # fmt: skip


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look whether they are gone."""
    del sql
    left = _present(db)
    if left:
        error = Failed(f"{', '.join(left)} still there", "Type `rlops uninstall` again.", "not_verified")
        return replace(answer, exit=Exit.FAILED, error=error)
    what = "rlops' own tables are gone; the three tables stay." if answer.steps else "Nothing to do."
    return replace(answer, headline=what)


def _present(db: Database) -> list[str]:
    kinds = facts.tables(db)
    return [name for name in journal.TABLES if kinds.get(name, "VIEW") != "VIEW"]
