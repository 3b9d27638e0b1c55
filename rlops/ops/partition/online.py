"""Change the form of the interactions while the shop goes on: a shadow table, kept up by triggers, takes their place.

Every step is planned from what is in the schema, so a run that died is gone on with by typing the same command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rlops import counting
from rlops.beside import Beside
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused
from rlops.ops import form, longrun
from rlops.ops.declared import INTERACTIONS
from rlops.ops.migrate import differences
from rlops.ops.partition import back, capture, change, convert, definer, hold, integrity, months, offline, preflight
from rlops.ops.partition.change import OLD, SHADOW, Change, Direction, Phase
from rlops.ops.partition.copying import Comparing, Copying, Moving, be_unobtrusive
from rlops.ops.partition.integrity import Spec
from rlops.ops.partition.rights import mending, refuse_lacking
from rlops.ops.partition.status import integrity_of, live_table
from rlops.plan import Answer, Expect, Order, Plan, Step, StepResult
from rlops.sqlfiles import Keywords, SqlFolder
from rlops.structure import Table, normalise, read_table

SECTIONS = ("partitions",)  # of the policy, on which a change that was begun depends
ANEW = f"Give it up by `{change.GIVE_UP}`, then begin anew."
IDS_MEANWHILE = 1000  # given by the table between a look at its counter and the triggers, at most


@dataclass(frozen=True)
class Wish:
    """Which way, and whether to stop before the tables change places, or to do only what is left from there.

    `months` are those that a drain gives the new table past the last one of the old one.
    """

    direction: Direction
    postpone: bool = False
    only_cut_over: bool = False
    months: Sequence[datetime] = ()

    @property
    def command(self) -> str:
        """The command that goes on with it."""
        return change.CUT_OVER if self.only_cut_over else change.COMMANDS[self.direction]


def plan(db: Database, sql: SqlFolder, wish: Wish) -> Plan:
    """Plan what is left of the change. Raises Refused by a preflight check, or while another change is under way."""
    live, each = live_table(db), integrity.the_child(sql)
    at, name = change.under_way(db), wish.command.removeprefix("rlops ")
    data = _data(db, live, at)
    if at is None and (live.partitioning is not None) == (wish.direction == "enable"):
        steps = mending(db, sql, OLD) if change.kept(db) else back.unfinished_way_back(db, sql, each)
        if wish.direction == "enable" and form.recorded(db).integrity == form.TRIGGERS:
            steps = steps or offline.mend_integrity(db, sql, each, data["integrity"], by_triggers=True)
        return Plan(name, tuple(steps), data, again=wish.command)
    preflight.refuse_unfit(db, wish.direction)
    if at is None:
        hold.refuse_unfinished(db, "a change of form")
        back.refuse_unfinished(db)
        if kept := change.kept(db):
            if "drain" in (kept, wish.direction):
                change.refuse_busy(db, "another change")
            return back.plan(db, sql, each, kept, wish.command)
        if live.partitioning and integrity_of(db, live) != form.TRIGGERS:
            preflight.refuse_no_integrity(wish.direction)
    elif at.direction != wish.direction:
        raise Refused(
            f"a change is under way that `{at.command}` began. Nothing was changed",
            f"Finish it by `{at.command}`, or give it up by `rlops jobs abort`.", "change_under_way",
        )  # fmt: skip
    elif at.phase == "aborting":
        raise Refused(
            "the change is being given up, and what kept its copy equal may be gone. Nothing was changed",
            f"`{at.command}` ends it.", "aborting",
        )  # fmt: skip
    elif at.phase == "postponed" and not wish.only_cut_over:
        return Plan(name, tuple(mending(db, sql, SHADOW, OLD)), data, again=wish.command)
    if at and at.postpone and at.phase != "swapped" and not wish.only_cut_over:
        wish = replace(wish, postpone=True)
    made = _Change(db, sql, live, wish, at)
    notes: tuple[str, ...] = ()
    if at is None:
        preflight.refuse(db, sql, each, live)
        costs = offline.COSTS if wish.direction == "enable" else ()
        notes = (*preflight.notes(db, sql, each, wish.direction), *costs)
    return Plan(
        name, tuple(made.steps()), {**data, **_account(())}, (*notes, made.by.note()), again=wish.command, account=_account,
        stand_ins=(INTERACTIONS, SHADOW, OLD),
    )  # fmt: skip


def _account(results: Sequence[StepResult]) -> dict[str, object]:
    """What the copy did; `rows` are counted twice, when they are copied and when they are compared."""
    done = longrun.account(results)
    return {
        "rows": done["deleted_rows"],
        **{name: done[name] for name in ("chunks", "paused_seconds", "job", "resumed")},
    }


def _data(db: Database, live: Table, at: Change | None) -> dict[str, Any]:
    return {
        "partitioned": live.partitioning is not None,
        "integrity": integrity_of(db, live),
        "phase": at.phase if at else None,
    }


class _Change:
    def __init__(self, db: Database, sql: SqlFolder, live: Table, wish: Wish, at: Change | None) -> None:
        self.db, self.sql, self.live, self.wish = db, sql, live, wish
        self.each = integrity.the_child(sql)
        self.parents = self.each.parents
        self.phase = at.phase if at else None
        self.postponed = at.postpone if at else False
        self.by = definer.choose(db, (INTERACTIONS, *self.parents))
        self.direction = wish.direction
        self.to_months = wish.direction != "disable"

    def steps(self) -> list[Step]:
        """What is left, by how far it has come."""
        if self.phase == "swapped":
            return [] if self.wish.postpone else self._tidy()
        compared = self.phase in ("compared", "postponed")
        if self.phase and (compared or change.has_job(self.db)):
            self._refuse_unequal(self.db)
        steps = mending(self.db, self.sql, SHADOW, OLD) if compared else self._copy()
        steps += self._ready()
        if not self.wish.postpone:
            return [*steps, self._swap(), *self._tidy()]
        # Who keeps months ahead types the command daily, which isn't to end what was postponed.
        return [*steps, change.note(self.sql, "drain", "postponed")] if self.direction == "drain" else steps

    def _copy(self) -> list[Step]:
        steps: list[Step] = []
        if not self.phase:
            steps += change.close_jobs(self.db, self.sql)
        if not self.phase or (self.wish.postpone and not self.postponed):
            steps.append(self._note("copying"))
        triggers = integrity.create(self.db, self._capture(), self.by)
        return [*steps, *self._shadow(), *triggers, self._move()]

    def _shadow(self) -> list[Step]:
        steps: list[Step] = []
        found = read_table(self.db, SHADOW)
        shadow = found if isinstance(found, Table) else replace(self.live, name=SHADOW, foreign_keys=())
        if found is None:
            made = self.sql.statement("partition/600_create_shadow", {"shadow": SHADOW, "table": INTERACTIONS})
            steps.append(Step(f"create {SHADOW}", made, (Expect("table", SHADOW),)))
        if self.wish.months:
            steps += self._more_months(SHADOW if found else INTERACTIONS)
        elif self.to_months and not shadow.partitioning:
            steps += convert.alter(self.db, self.sql, shadow, offline.wanted_months(self.db, self.sql), ())
        elif shadow.partitioning and not self.to_months:
            steps.append(convert.unpartition(self.db, self.sql, self.each, SHADOW))
        if found is None:
            beyond = {"value": (self.live.auto_increment or 1) + IDS_MEANWHILE}
            count_on = self.sql.statement(
                "partition/605_auto_increment", {"shadow": SHADOW}, beyond, volatile=("value",)
            )
            steps.append(Step("let it count on from the table's ids", count_on, repeatable=True))
        return [*steps, *definer.steps(self.db, self.sql, self.by, integrity.grants(self.each, SHADOW, OLD))]

    def _more_months(self, like: str) -> list[Step]:
        """The months that the shadow lacks, which has those of the table `like`."""
        found, wanted = months.read(self.db, self.sql, like), self.wish.months
        if found.end and found.end > wanted[-1]:
            return []
        return [convert.split(self.db, self.sql, SHADOW, found, wanted, touches=(SHADOW,))]

    def _move(self) -> Step:
        rows = counting.count(self.db, INTERACTIONS).rows
        beside = Beside(be_unobtrusive)
        copying = Copying(self.sql, self.each, INTERACTIONS, SHADOW, beside)
        compared = self._note("compared").statement
        outline = self.sql.file("partition/670_copy_rows").outline(
            {
                "table": INTERACTIONS, "shadow": SHADOW, "key_columns": capture.row_id(self.each.table),
                "columns": list(capture.columns(self.each.table)), "rows": Keywords(("…",)),
                "condition": Keywords(("…",)),
            }, {},
        )  # fmt: skip
        command = change.COMMANDS[self.direction]
        kind = command.removeprefix("rlops ")
        if self.wish.postpone:
            command += " --postpone-cut-over"
        order = Order(kind, command, self.sql.policy.fingerprint(*SECTIONS))
        return Step(
            "copy the rows, then compare them",
            outline,
            work=Moving(copying, self._comparing(beside), compared, 2 * rows),
            job=order,
        )

    def _comparing(self, beside: Beside) -> Comparing:
        return Comparing(self.sql, self.each, INTERACTIONS, SHADOW, beside)

    def _note(self, phase: Phase) -> Step:
        return change.note(self.sql, self.direction, phase, postpone=self.wish.postpone)

    def _refuse_unequal(self, db: Database) -> None:
        """Refuse where the shadow isn't the table's equal any more, or the table has got what it would lose or break."""
        change.refuse_altered(db, SHADOW, "the copy lacks that", ANEW)
        if lost := [spec.name for spec in integrity.unlike(db, self._capture(), self.by)]:
            problem = f"{SHADOW} was not kept equal: {', '.join(lost)} is gone, or another than it should be"
            raise Refused(f"{problem}. Nothing was changed", ANEW, "not_kept")
        preflight.refuse_since(db, self.sql, self.each, self.live)

    def _refuse_swap(self, db: Database) -> None:
        self._refuse_unequal(db)
        refuse_lacking(db, self.sql)
        # To months an id that came again since its range was compared is there once, as the later row.
        if not self.to_months:
            self._comparing(Beside(be_unobtrusive)).refuse_double(db)

    def _capture(self) -> list[Spec]:
        return capture.specs(self.sql, self.each, capture.capturing(self.direction), self.by)

    def _ready(self) -> list[Step]:
        """Integrity, and the way back, before the tables change places.

        Not long before: these triggers name the old table, which isn't there yet, so a writer under LOCK TABLES gets 1100.
        """
        keys = [] if self.to_months else self._keys()
        if self.wish.postpone:
            return keys
        wanted: list[Spec] = []
        if self.direction == "enable":
            wanted = integrity.specs(self.sql, self.each, self.by, on=SHADOW)
        elif self.direction == "drain":
            wanted = integrity.deputies(self.sql, self.by, SHADOW, integrity.CAPTURE)
        wanted += capture.specs(self.sql, self.each, capture.reversing(self.direction, SHADOW), self.by)
        return [*integrity.create(self.db, wanted, self.by), *keys]

    def _keys(self) -> list[Step]:
        found = read_table(self.db, SHADOW)
        have = {key.columns for key in found.foreign_keys} if isinstance(found, Table) else set()
        steps = []
        for key in normalise(self.each.table, self.db.family).foreign_keys:
            if key.columns not in have:
                names = {"shadow": SHADOW, "changes": Keywords((key.sql,))}
                statement = self.sql.statement("partition/685_add_foreign_key", names)
                expect = (Expect("foreign_key", SHADOW, key.name or ""),)
                touches = (SHADOW, INTERACTIONS, key.ref_table)
                steps.append(
                    Step(f"give {SHADOW} its key {key.name}", statement, expect, checks_off=True, touches=touches)
                )
        return steps

    def _swap(self) -> Step:
        renames = [(INTERACTIONS, OLD), (SHADOW, INTERACTIONS)]
        statement = self.sql.statement("partition/700_swap", {"renames": renames})
        expect = (Expect("table", OLD), Expect("table", SHADOW, present=False))
        touches = (INTERACTIONS, SHADOW, *self.parents)
        return Step("let the tables change places", statement, expect, touches=touches, check=self._refuse_swap)

    def _tidy(self) -> list[Step]:
        """After the swap: record the form, take away the triggers that led to it."""
        which, kept = (form.PARTITIONED, form.TRIGGERS) if self.to_months else (form.FOREIGN_KEYS, form.FOREIGN_KEYS)
        steps = convert.records(self.sql, which, kept, self.by if self.to_months else None)
        steps.append(convert.record(self.sql, change.KEPT, self.direction))
        if self.direction == "drain":
            swapped = self.phase == "swapped"
            steps += integrity.relieve(self.db, self.sql, self.by, integrity.CAPTURE, left=OLD, swapped=swapped)
        gone = [(spec.name, OLD if spec.table == INTERACTIONS else spec.table) for spec in self._capture()]
        if not self.to_months:
            stand_ins = integrity.specs(self.sql, self.each, self.by)
            gone += [(spec.name, spec.table) for spec in stand_ins if spec.table in self.parents]
        steps += [integrity.drop(self.sql, name, table) for name, table in gone]
        return [*steps, change.forget(self.sql, change.FACT)]


def cut_over(db: Database, sql: SqlFolder) -> Plan:
    """Plan the rest of a change that was left before the tables change places. Raises Refused while its copy isn't compared."""
    at = change.under_way(db)
    if at is None:
        return Plan("partition cut-over", (), _data(db, live_table(db), at), again=change.CUT_OVER)
    if at.phase == "copying":
        problem = "the copy isn't finished and compared, so the tables can't change places. Nothing was changed"
        raise Refused(problem, f"`{at.command}` goes on with it.", "not_ready")
    return plan(db, sql, Wish(at.direction, only_cut_over=True))


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look at the form that holds after the run, or at what is ready for the tables to change places."""
    at, live = change.under_way(db), live_table(db)
    data = {**answer.data, **_data(db, live, at)}
    by = data["integrity"].replace("_", " ")
    words = f"{INTERACTIONS} is {'partitioned by month' if live.partitioning else 'unpartitioned'}; integrity by {by}."
    if at:
        ready = f"{SHADOW} is a compared copy, kept equal by triggers. {words}"
        return replace(answer, data=data, headline=ready, next=change.CUT_OVER)
    if left := differences(db, integrity.the_child(sql), live, sql):
        problem = f"after the run {left[0].object} is not as declared"
        error = Failed(problem, "See what differs with `rlops verify`.", "not_verified")
        return replace(answer, exit=Exit.FAILED, data=data, error=error)
    old = f" {OLD} is kept equal as a way back; `rlops partition finish` drops it." if change.kept(db) else ""
    words = (words if answer.steps else f"Nothing to do: {words}") + old
    return replace(answer, data=data, headline=words, next="rlops verify")
