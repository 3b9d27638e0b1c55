"""The ends of a change of form: turn it back by the old table, give it up, or let the old table go."""

from __future__ import annotations

from dataclasses import replace

from rlops import facts, jobs, journal
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused
from rlops.ops import form
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.ops.partition import capture, change, convert, definer, integrity, offline, rights
from rlops.ops.partition.change import GIVE_UP, OLD, SHADOW, Direction
from rlops.ops.partition.definer import Definer
from rlops.ops.partition.status import live_table
from rlops.plan import Answer, Expect, Plan, Step
from rlops.sqlfiles import SqlFolder


def cut_over(db: Database, sql: SqlFolder) -> Plan:
    """Plan the way back by the old table that is kept, whatever change has left it; nothing where none is kept.

    Raises Refused while a change is under way.
    """
    each, command = integrity.the_child(sql), "rlops partition cut-over --back"
    if at := change.under_way(db):
        raise Refused("a change is under way. Nothing was changed", f"`{at.command}` finishes it.", "change_under_way")
    if kept := change.kept(db):
        return plan(db, sql, each, kept, command)
    return Plan("partition cut-over", tuple(unfinished_way_back(db, sql, each)), again=command)


def plan(db: Database, sql: SqlFolder, each: Declared, kept: Direction, command: str) -> Plan:
    """Plan the way back by the old table, which triggers have kept equal: the tables change places again, nothing is copied."""
    by = definer.choose(db, (INTERACTIONS, *each.parents))
    change.refuse_altered(
        db,
        OLD,
        "going back to it would lose that",
        "`rlops partition finish` drops it; the change is then made by a copy.",
    )
    offline.refuse_different(db, sql, live_table(db))
    reverse = capture.specs(sql, each, capture.reversing(kept), by)
    if lacking := [spec.name for spec in integrity.unlike(db, reverse, by)]:
        raise Refused(
            f"{OLD} was not kept equal: {', '.join(lacking)} is gone, or another than it should be. Nothing was changed",
            "`rlops partition finish` drops it; then the change is made by a copy.", "not_kept",
        )  # fmt: skip
    stand_ins: list[integrity.Spec] = []
    if kept == "disable":
        stand_ins = integrity.specs(sql, each, by, on=OLD)
    elif kept == "drain":
        stand_ins = integrity.deputies(sql, by, OLD, integrity.REVERSE)
    given = rights.mending(db, sql, OLD) if stand_ins else ()
    steps = [*given, *integrity.create(db, stand_ins, by)]
    renames = [(INTERACTIONS, SHADOW), (OLD, INTERACTIONS)]
    expect = (Expect("table", SHADOW), Expect("table", OLD, present=False))
    swap = sql.statement("partition/700_swap", {"renames": renames})
    steps.append(Step("let the tables change places again", swap, expect, touches=(INTERACTIONS, OLD, *each.parents)))
    steps += _after_way_back(db, sql, each, by, kept, swapped=False)
    data = {"partitioned": kept != "disable", "phase": None}
    notes = [f"{OLD} was kept equal by triggers, so nothing is copied"]
    if kept == "enable":
        notes.append(
            "an id that has come to be there twice, with two timestamps, is there once in it, as the later one"
        )
    return Plan(command.removeprefix("rlops ").removesuffix(" --back"), tuple(steps), data, tuple(notes), again=command)


def unfinished_way_back(db: Database, sql: SqlFolder, each: Declared) -> list[Step]:
    """What is left of a way back that died after the tables had changed places."""
    kept = journal.recorded(db).get(change.KEPT)
    if not kept or facts.table_exists(db, OLD):
        return []
    _refuse_dropped(db)
    by = definer.choose(db, (INTERACTIONS, *each.parents))
    return _after_way_back(db, sql, each, by, kept, swapped=True)  # type: ignore[arg-type]


def refuse_unfinished(db: Database) -> None:
    """Refuse another change while not all is done that goes with the tables having changed places again, or the old one's end."""
    _refuse_dropped(db)
    if journal.recorded(db).get(change.KEPT) and facts.table_exists(db, SHADOW) and not facts.table_exists(db, OLD):
        raise Refused(
            f"{INTERACTIONS} is the old table again, but what goes with that isn't done. Nothing was changed",
            "`rlops partition cut-over --back` finishes it.", "way_back_unfinished",
        )  # fmt: skip


def _refuse_dropped(db: Database) -> None:
    if change.is_old_dropped(db):
        problem = f"{OLD} was dropped, and the triggers that kept it equal are still there. Nothing was changed"
        raise Refused(problem, "`rlops partition finish` drops them.", "old_table_dropped")


def _after_way_back(
    db: Database, sql: SqlFolder, each: Declared, by: Definer, kept: Direction, *, swapped: bool
) -> list[Step]:
    """Record the form; the triggers on the parents that served the other one go, and the table that was left."""
    to_months = facts.is_partitioned(db, INTERACTIONS if swapped else OLD)
    which, held = (form.PARTITIONED, form.TRIGGERS) if to_months else (form.FOREIGN_KEYS, form.FOREIGN_KEYS)
    steps = convert.records(sql, which, held, by if to_months else None)
    if kept == "drain":
        steps += integrity.relieve(db, sql, by, integrity.REVERSE, left=SHADOW, swapped=swapped)
    gone = capture.specs(sql, each, capture.reversing(kept), by)
    if not to_months:
        gone += integrity.specs(sql, each, by)
    steps += [spec.drop(sql) for spec in gone if spec.table in each.parents]
    return [*steps, _drop_shadow(sql, each), change.forget(sql, change.KEPT)]


def _drop_shadow(sql: SqlFolder, each: Declared) -> Step:
    statement = sql.statement("partition/710_drop_shadow", {"shadow": SHADOW})
    return Step(f"drop {SHADOW}", statement, (Expect("table", SHADOW, present=False),), touches=(SHADOW, *each.parents))


def to_undo(db: Database, number: int | None) -> bool:
    """Whether to give up that job (None: the one there is) means to undo a change of form, and no run is at work on it.

    So it does where nothing is left to undo, but an abort has died before it said so. Raises Refused without a number where
    another job is open, too.
    """
    rows = jobs.listed(db, 1000)
    if change.under_way(db) is None:
        opened = any(row["state"] in jobs.OPEN for row in rows)
        return number is None and not opened and GIVE_UP.removeprefix("rlops ") in journal.unclosed(db)
    mine = next((row for row in rows if row["kind"] in change.JOBS), None)
    if mine and mine["state"] in ("running", "paused"):
        return False
    if number is not None:
        return mine is not None and mine["id"] == number
    if others := [row for row in rows if row["state"] in jobs.OPEN and row is not mine]:
        raise Refused(
            f"a change of form is under way, and so is job {others[0]['id']}, {others[0]['kind']}. Nothing was changed",
            f"`{GIVE_UP} {others[0]['id']}` gives up that job; to undo the change, type "
            + (
                f"`{GIVE_UP} {mine['id']}`."
                if mine and mine["state"] in jobs.OPEN
                else "the same once no other job is open."
            ),
            "which_job",
        )
    return True


def abort(db: Database, sql: SqlFolder) -> Plan:
    """Plan the end of a change that is given up: the shop's table is as it ever was. Raises Refused after the swap."""
    at, each = change.under_way(db), integrity.the_child(sql)
    if at is None:
        return Plan("jobs abort", (), {"undone": None}, again=GIVE_UP)
    if at.phase == "swapped":
        raise Refused(
            "the tables have changed places already. Nothing was changed",
            f"`{at.command}` finishes it; the opposite command turns it back.", "swapped",
        )  # fmt: skip
    by = definer.choose(db, (INTERACTIONS, *each.parents))
    tables = (INTERACTIONS, *each.parents)
    of_change = (integrity.CAPTURE, integrity.REVERSE)
    stand_ins = [spec.name for spec in integrity.specs(sql, each, by)] if at.direction == "enable" else []
    gone = [
        trigger for name, trigger in integrity.live(db, tables).items()
        if name.startswith(of_change) or name in stand_ins
    ]  # fmt: skip
    # Those that write go before those that delete: a row that is repeated and can't be deleted would stay.
    gone.sort(key=lambda trigger: trigger.event == "DELETE")
    # With the first trigger that is gone nothing may go on with the change, whatever becomes of this run.
    steps = [] if at.phase == "aborting" else [change.note(sql, at.direction, "aborting")]
    steps += [integrity.drop(sql, trigger.name, trigger.table) for trigger in gone]
    steps += [_drop_shadow(sql, each), *definer.take_back(db, sql, by, (SHADOW, OLD)), *change.close_jobs(db, sql)]
    return Plan("jobs abort", (*steps, change.forget(sql, change.FACT)), {"undone": at.direction}, again=GIVE_UP)


def after_abort(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look whether anything is left."""
    each = integrity.the_child(sql)
    prefixes = (integrity.CAPTURE, integrity.REVERSE)
    left = [name for name in integrity.live(db, (INTERACTIONS, *each.parents)) if name.startswith(prefixes)]
    left += [SHADOW] if facts.table_exists(db, SHADOW) else []
    if left:
        error = Failed(f"{', '.join(left)} is still there", f"Type `{GIVE_UP}` again.", "not_verified")
        return replace(answer, exit=Exit.FAILED, error=error)
    return replace(answer, headline=f"Given up: {INTERACTIONS} is as it was, nothing is left.", next="rlops verify")


def finish(db: Database, sql: SqlFolder, environment: str) -> Plan:
    """Plan the end of the old table. Raises Refused while a change is under way."""
    if at := change.under_way(db):
        raise Refused("a change is under way. Nothing was changed", f"`{at.command}` finishes it.", "change_under_way")
    each, again = integrity.the_child(sql), "rlops partition finish"
    if not journal.recorded(db).get(change.KEPT):
        return Plan("partition finish", (), {"dropped": None}, again=again)
    by = definer.choose(db, (INTERACTIONS, *each.parents))
    there = integrity.live(db, (INTERACTIONS, *each.parents))
    gone = [trigger for name, trigger in there.items() if name.startswith(integrity.REVERSE)]
    steps = [integrity.drop(sql, trigger.name, trigger.table) for trigger in gone]
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
