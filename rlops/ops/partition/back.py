"""The ends of a change of form: give it up, turn it back by the old table, or let the old table go."""

from __future__ import annotations

from dataclasses import replace

from rlops import facts, jobs, journal
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused
from rlops.ops import form
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.ops.partition import capture, change, convert, definer, integrity
from rlops.ops.partition.change import OLD, SHADOW
from rlops.plan import Answer, Expect, Plan, Step
from rlops.sqlfiles import SqlFolder


def plan(db: Database, sql: SqlFolder, each: Declared, command: str) -> Plan:
    """Plan the way back by the old table, which triggers have kept equal: the tables change places again, nothing is copied."""
    to_months = facts.is_partitioned(db, OLD)
    by = definer.choose(db, (INTERACTIONS, *each.parents))
    reverse = capture.specs(sql, each, capture.reversing(), by, cascades=not facts.is_partitioned(db, INTERACTIONS))
    if lacking := [spec.name for spec in integrity.missing(db, reverse)]:
        raise Refused(
            f"{OLD} was not kept equal: {', '.join(lacking)} is gone. Nothing was changed",
            "`rlops partition finish` drops it; then the change is made by a copy.", "not_kept",
        )  # fmt: skip
    steps = (
        [spec.create() for spec in integrity.missing(db, integrity.specs(sql, each, by, on=OLD))] if to_months else []
    )
    renames = [(INTERACTIONS, SHADOW), (OLD, INTERACTIONS)]
    expect = (Expect("table", SHADOW), Expect("table", OLD, present=False))
    swap = sql.statement("partition/700_swap", {"renames": renames})
    steps.append(Step("let the tables change places again", swap, expect, touches=(INTERACTIONS, OLD, *each.parents)))
    kept = form.TRIGGERS if to_months else form.FOREIGN_KEYS
    steps += convert.records(sql, form.PARTITIONED if to_months else form.FOREIGN_KEYS, kept, by if to_months else None)
    steps += _leftovers(sql, each, by, to_months)
    data = {"partitioned": not to_months, "phase": None}
    notes = (f"{OLD} was kept equal by triggers, so nothing is copied",)
    return Plan(command.removeprefix("rlops "), tuple(steps), data, notes, again=command)


def _leftovers(sql: SqlFolder, each: Declared, by: definer.Definer, to_months: bool) -> list[Step]:
    """After the way back: the triggers on the parents that served the other form, and the table that was left."""
    reverse = capture.specs(sql, each, capture.reversing(SHADOW), by, cascades=True)
    gone = [(spec.name, spec.table) for spec in reverse]
    if not to_months:
        gone += [(spec.name, spec.table) for spec in integrity.specs(sql, each, by) if spec.table in each.parents]
    drops = [integrity.drop(sql, name, table) for name, table in gone]
    return [*drops, _drop_shadow(sql, each), change.forget(sql, change.KEPT)]


def _drop_shadow(sql: SqlFolder, each: Declared) -> Step:
    statement = sql.statement("partition/710_drop_shadow", {"shadow": SHADOW})
    return Step(f"drop {SHADOW}", statement, (Expect("table", SHADOW, present=False),), touches=(SHADOW, *each.parents))


def unfinished_way_back(db: Database, sql: SqlFolder, each: Declared) -> list[Step]:
    """What is left of a way back that died after the tables had changed places."""
    if not (
        journal.recorded(db).get(change.KEPT) and facts.table_exists(db, SHADOW) and not facts.table_exists(db, OLD)
    ):
        return []
    by = definer.choose(db, (INTERACTIONS, *each.parents))
    to_months = facts.is_partitioned(db, INTERACTIONS)
    kept = form.TRIGGERS if to_months else form.FOREIGN_KEYS
    which = form.PARTITIONED if to_months else form.FOREIGN_KEYS
    return [*convert.records(sql, which, kept, by if to_months else None), *_leftovers(sql, each, by, to_months)]


def abort(db: Database, sql: SqlFolder) -> Plan:
    """Plan the end of a change that is given up: the shop's table is as it ever was. Raises Refused after the swap."""
    at, each = change.under_way(db), integrity.the_child(sql)
    again = "rlops partition abort"
    if at is None:
        return Plan("partition abort", (), {"aborted": None}, again=again)
    if at.phase == "swapped":
        raise Refused(
            "the tables have changed places already. Nothing was changed",
            f"`{at.command}` finishes it; the opposite command turns it back.", "swapped",
        )  # fmt: skip
    by = definer.choose(db, (INTERACTIONS, *each.parents))
    made = [*capture.specs(sql, each, capture.capturing(), by, cascades=True)]
    made += [
        spec for spec in capture.specs(sql, each, capture.reversing(SHADOW), by, cascades=True) if spec.table != SHADOW
    ]
    if at.direction == "enable":
        made += [spec for spec in integrity.specs(sql, each, by, on=SHADOW) if spec.table != SHADOW]
    there = integrity.live(db, (INTERACTIONS, *each.parents))
    steps = [spec.drop(sql) for spec in made if spec.name in there]
    steps += [_drop_shadow(sql, each)]
    steps += definer.take_back(db, sql, by, (SHADOW, OLD))
    return Plan("partition abort", (*steps, change.forget(sql, change.FACT)), {"aborted": at.direction}, again=again)


def after_abort(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Close the job, and look whether anything is left."""
    for row in jobs.listed(db, 100):
        if row["kind"] in ("partition enable", "partition disable"):
            jobs.give_up(db, row["id"], "rlops partition abort")
    left = [
        name for name in integrity.live(db, (INTERACTIONS, *integrity.the_child(sql).parents)) if capture.is_one(name)
    ]
    left += [SHADOW] if facts.table_exists(db, SHADOW) else []
    if left:
        error = Failed(f"{', '.join(left)} is still there", "Type `rlops partition abort` again.", "not_verified")
        return replace(answer, exit=Exit.FAILED, error=error)
    told = (
        f"Given up: {INTERACTIONS} is as it was, nothing is left."
        if answer.steps
        else "Nothing to do: no change is under way."
    )
    return replace(answer, headline=told, next="rlops verify" if answer.steps else "")


def finish(db: Database, sql: SqlFolder, environment: str) -> Plan:
    """Plan the end of the old table. Raises Refused while a change is under way."""
    if at := change.under_way(db):
        raise Refused("a change is under way. Nothing was changed", f"`{at.command}` finishes it.", "change_under_way")
    each = integrity.the_child(sql)
    again = "rlops partition finish"
    if not change.kept(db):
        return Plan("partition finish", (), {"dropped": None}, again=again)
    by = definer.choose(db, (INTERACTIONS, *each.parents))
    reverse = capture.specs(sql, each, capture.reversing(), by, cascades=True)
    there = integrity.live(db, (INTERACTIONS, *each.parents))
    steps = [spec.drop(sql) for spec in reverse if spec.name in there]
    drop = sql.statement("partition/720_drop_old", {"old": OLD})
    steps.append(Step(f"drop {OLD}", drop, (Expect("table", OLD, present=False),), touches=(OLD, *each.parents)))
    steps += definer.take_back(db, sql, by, (SHADOW, OLD))
    return Plan(
        "partition finish", (*steps, change.forget(sql, change.KEPT)), {"dropped": OLD},
        question=f"This drops {OLD} in {db.schema}; after it the way back is a copy.",
        name_database=environment == "production", again=again,
    )  # fmt: skip


def after_finish(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Say what is gone."""
    del db, sql
    return replace(answer, headline=f"{OLD} is gone." if answer.steps else "Nothing to do: no old table is kept.")
