"""Remove rlops' own tables, triggers and account; never the three tables, what keeps their integrity, their backups or rows set aside."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from rlops import facts, journal, lease, privileges
from rlops.db import Damaged, Database
from rlops.errors import Denied, Exit, Failed
from rlops.ops import backups, form
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import change, hold, integrity
from rlops.ops.partition.definer import DEDICATED, Definer
from rlops.plan import Answer, Expect, Plan, Step
from rlops.sqlfiles import SqlFolder
from rlops.structure import read_table
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
    guards, staying = _guards(db, sql)
    tables = (
        Step(f"drop {name}", file.statement({"table": name}), (Expect("table", name, present=False),)) for name in own
    )
    steps = (*guards, *tables)
    kept = backups.found(db, sql)
    listed = f"{counted(len(kept), 'backup')} stay as they are: {', '.join(b.id for b in kept)}"
    notes = (f"{listed}; their manifests go, and a restore then goes by the declared form",) if kept else ()
    return Plan(
        "uninstall", steps, {"removed": own, "kept_backups": [backup.id for backup in kept]}, (*notes, *staying),
        question=f"This removes rlops' journal and its record of {db.schema}; the three tables stay.",
        name_database=environment == "production" and bool(steps),
        again="rlops uninstall", journaled=False,
    )  # fmt: skip


def _guards(db: Database, sql: SqlFolder) -> tuple[list[Step], tuple[str, ...]]:
    """The steps that drop rlops' triggers and their account, and what stays of them.

    They stay while they keep the integrity of a partitioned table, and the account while it holds anything in another schema.
    """
    if not db.engine.can.triggers or db.engine.can.keys_on_partitions:
        return [], ()
    steps: list[Step] = []
    try:
        if form.live_form(read_table(db, INTERACTIONS)) == form.PARTITIONED:
            stays = (
                "the triggers that keep the integrity of the partitioned table stay, and the account that they run as"
            )
            back = "`rlops partition disable` before this gives the foreign keys back"
            return [], (f"{stays}; {back}",) if integrity.guarding(db) else ()
        steps += integrity.leaving(db, sql, INTERACTIONS, *integrity.the_child(sql).parents)
        held = privileges.held_by(db, DEDICATED)
    except Denied as error:
        return steps, (f"triggers of rlops', and their account {DEDICATED}, stay where there are any: {error.message}",)
    if held is None:
        return steps, ()
    elsewhere = any(grant.schema not in (None, db.schema) for grant in held.grants)
    if elsewhere or not privileges.own(db).has("CREATE USER"):
        why = "it holds rights in another schema" if elsewhere else "to drop it needs CREATE USER"
        return steps, (f"the account {DEDICATED} stays: {why}",)
    account = Definer(DEDICATED, dedicated=True, exists=True)
    return [
        *steps,
        Step(f"drop {DEDICATED}", sql.statement("uninstall/020_drop_account", {"definer": account.sql})),
    ], ()


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
