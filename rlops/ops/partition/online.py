"""Change the form of the interactions while the shop goes on: a shadow table, kept up by triggers, takes their place.

Every step is planned from what is in the schema, so a run that died is gone on with by typing the same command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rlops import counting
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused
from rlops.ops import form
from rlops.ops.declared import INTERACTIONS
from rlops.ops.migrate import differences
from rlops.ops.partition import back, capture, change, checks, convert, definer, integrity, offline
from rlops.ops.partition.change import OLD, SHADOW, Change, Direction
from rlops.ops.partition.copying import Comparing, Copying, Counting
from rlops.ops.partition.definer import CHILD, Definer
from rlops.ops.partition.integrity import Spec
from rlops.ops.partition.status import integrity_of, live_table
from rlops.plan import Answer, Expect, Order, Plan, Step
from rlops.sqlfiles import Keywords, SqlFolder
from rlops.structure import Table, read_table

SECTIONS = ("partitions",)  # of the policy, on which a change that was begun depends


@dataclass(frozen=True)
class Wish:
    """What is wanted: which way, whether to stop before the tables change places, and integrity by triggers or not at all."""

    direction: Direction
    postpone: bool = False
    by_triggers: bool = True
    only_cut_over: bool = False

    @property
    def command(self) -> str:
        """The command that goes on with it."""
        return "rlops partition cut-over" if self.only_cut_over else f"rlops partition {self.direction}"


def plan(db: Database, sql: SqlFolder, wish: Wish) -> Plan:
    """Plan what is left of the change. Raises Refused by a preflight check, or while another change is under way."""
    live, each = live_table(db), integrity.the_child(sql)
    at = change.under_way(db)
    data = {
        "partitioned": live.partitioning is not None,
        "integrity": integrity_of(db, live),
        "phase": at.phase if at else None,
    }
    name = wish.command.removeprefix("rlops ")
    if at is None and (live.partitioning is not None) == (wish.direction == "enable"):
        return Plan(name, tuple(back.unfinished_way_back(db, sql, each)), data, again=wish.command)
    if db.family == "oceanbase":
        raise Refused(
            "this engine keeps its foreign keys when it is partitioned, and has no use for this. Nothing was changed",
            "Say --offline.",
            "not_here",
        )
    if at and at.direction != wish.direction:
        raise Refused(
            f"a change is under way that `{at.command}` began. Nothing was changed",
            f"Finish it by `{at.command}`, or give it up by `rlops partition abort`.", "change_under_way",
        )  # fmt: skip
    if at is None and change.kept(db):
        return back.plan(db, sql, each, wish.command)
    made = _Change(db, sql, live, wish, at)
    notes: tuple[str, ...] = ()
    if at is None:
        checks.refuse(db, sql, each, live)
        notes = (*checks.notes(db, sql, each), *(offline.COSTS if wish.direction == "enable" else ()))
    return Plan(name, tuple(made.steps()), data, (*notes, made.by.note()), again=wish.command)


class _Change:
    def __init__(self, db: Database, sql: SqlFolder, live: Table, wish: Wish, at: Change | None) -> None:
        self.db, self.sql, self.live, self.wish = db, sql, live, wish
        self.each = each = integrity.the_child(sql)
        self.phase = at.phase if at else None
        self.by: Definer = definer.choose(db, (INTERACTIONS, *each.parents))
        self.to_months = wish.direction == "enable"
        self.from_keys = self.to_months  # the table that goes has foreign keys, whose cascades fire no trigger
        self.parents = each.parents

    def steps(self) -> list[Step]:
        """What is left, by how far it has come."""
        steps: list[Step] = []
        if self.phase in (None, "copying", "copied") and not self.wish.only_cut_over:
            steps += self._copy()
        if self.phase != "swapped":
            steps += self._ready()
            steps += [] if self.wish.postpone else [self._swap()]
        return steps if self.wish.postpone else [*steps, *self._tidy()]

    def _copy(self) -> list[Step]:
        steps = [] if self.phase else [change.note(self.sql, self.wish.direction, "copying")]
        steps += self._shadow()
        wanted = capture.specs(self.sql, self.each, capture.capturing(), self.by, cascades=self.from_keys)
        steps += self._create(wanted)
        if self.phase != "copied":
            total = counting.count(self.db, INTERACTIONS).rows
            copying = Copying(self.sql, self.each, INTERACTIONS, SHADOW, total)
            counting_on = Counting(self.sql, self.each, INTERACTIONS, SHADOW, None)
            outline = self.sql.file("partition/605_auto_increment").outline({"shadow": SHADOW}, {})
            steps.append(Step("let the shadow count on from the table's ids", outline, work=counting_on))
            steps.append(self._long("copy the rows", "670_copy_chunk", copying))
            steps.append(change.note(self.sql, self.wish.direction, "copied"))
        comparing = Comparing(self.sql, self.each, INTERACTIONS, SHADOW, counting.count(self.db, INTERACTIONS).rows)
        steps.append(self._long("compare the copy", "680_compare_chunk", comparing))
        return [*steps, change.note(self.sql, self.wish.direction, "compared")]

    def _shadow(self) -> list[Step]:
        steps: list[Step] = []
        found = read_table(self.db, SHADOW)
        shadow = found if isinstance(found, Table) else replace(self.live, name=SHADOW, foreign_keys=())
        if found is None:
            made = self.sql.statement("partition/600_create_shadow", {"shadow": SHADOW, "table": INTERACTIONS})
            steps.append(Step(f"create {SHADOW}", made, (Expect("table", SHADOW),)))
        if self.to_months:
            listed = offline.wanted_months(self.db, self.sql)
            steps += [] if shadow.partitioning else convert.alter(self.db, self.sql, shadow, listed, ())
        else:
            steps += convert.away(self.db, self.sql, self.each, shadow)
        grants = {**integrity.grants(self.each, SHADOW), OLD: ("CREATE", *CHILD)}
        return [*steps, *definer.steps(self.db, self.sql, self.by, grants)]

    def _create(self, wanted: Sequence[Spec]) -> list[Step]:
        return [spec.create() for spec in integrity.missing(self.db, wanted)]

    def _long(self, title: str, file: str, work: Copying | Comparing) -> Step:
        names = {"table": INTERACTIONS, "shadow": SHADOW, "key_columns": capture.row_id(self.each.table),
                 "columns": list(capture.columns(self.each.table)), "hash": Keywords(("…",))}  # fmt: skip
        outline = self.sql.file(f"partition/{file}").outline(names, {})
        policy = self.sql.policy.fingerprint(*SECTIONS)
        order = Order(f"partition {self.wish.direction}", f"rlops partition {self.wish.direction}", policy, {}, title)
        return Step(title, outline, work=work, job=order)

    def _ready(self) -> list[Step]:
        """Integrity, and the way back, before the tables change places."""
        wanted: list[Spec] = []
        if self.to_months and self.wish.by_triggers:
            wanted += integrity.specs(self.sql, self.each, self.by, on=SHADOW)
        wanted += capture.specs(self.sql, self.each, capture.reversing(SHADOW), self.by, cascades=not self.to_months)
        return self._create(wanted)

    def _swap(self) -> Step:
        renames = [(INTERACTIONS, OLD), (SHADOW, INTERACTIONS)]
        statement = self.sql.statement("partition/700_swap", {"renames": renames})
        expect = (Expect("table", OLD), Expect("table", SHADOW, present=False))
        return Step("let the tables change places", statement, expect, touches=(INTERACTIONS, SHADOW, *self.parents))

    def _tidy(self) -> list[Step]:
        """After the swap: record the form, take away the triggers that led to it."""
        kept = form.FOREIGN_KEYS if not self.to_months else form.TRIGGERS if self.wish.by_triggers else form.NONE
        which = form.PARTITIONED if self.to_months else form.FOREIGN_KEYS
        steps = convert.records(self.sql, which, kept, self.by if kept == form.TRIGGERS else None)
        steps.append(convert.record(self.sql, change.KEPT, self.wish.direction))
        led_here = capture.specs(self.sql, self.each, capture.capturing(), self.by, cascades=self.from_keys)
        gone = [(spec.name, OLD if spec.table == INTERACTIONS else spec.table) for spec in led_here]
        if not self.to_months:
            stand_ins = integrity.specs(self.sql, self.each, self.by)
            gone += [(spec.name, spec.table) for spec in stand_ins if spec.table in self.parents]
        steps += [integrity.drop(self.sql, name, table) for name, table in gone]
        return [*steps, change.forget(self.sql, change.FACT)]


def cut_over(db: Database, sql: SqlFolder) -> Plan:
    """Plan the rest of a change that was left before the tables change places. Raises Refused while its copy isn't compared."""
    at = change.under_way(db)
    if at is None:
        live = live_table(db)
        data = {"partitioned": live.partitioning is not None, "integrity": integrity_of(db, live), "phase": None}
        return Plan("partition cut-over", (), data, again="rlops partition cut-over")
    if at.phase in ("copying", "copied"):
        raise Refused(
            "the copy isn't finished and compared, so the tables can't change places. Nothing was changed",
            f"`{at.command}` goes on with it.", "not_ready",
        )  # fmt: skip
    each = integrity.the_child(sql)
    stand_in = f"{integrity.PREFIX}{each.table.foreign_keys[0].columns[0]}_insert"
    by_triggers = stand_in in integrity.live(db, (SHADOW, INTERACTIONS))
    return plan(db, sql, Wish(at.direction, by_triggers=by_triggers, only_cut_over=True))


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look at the form that holds after the run, or at what is ready for the tables to change places."""
    at = change.under_way(db)
    live = live_table(db)
    data = {
        **answer.data,
        "partitioned": live.partitioning is not None,
        "integrity": integrity_of(db, live),
        "phase": at.phase if at else None,
    }
    by = data["integrity"].replace("_", " ")
    words = (
        f"{INTERACTIONS} is {'partitioned by month' if data['partitioned'] else 'unpartitioned'}; integrity by {by}."
    )
    if at:
        ready = f"{SHADOW} is a compared copy, kept up by triggers; {words}"
        return replace(answer, data=data, headline=ready, next="rlops partition cut-over")
    if left := differences(db, integrity.the_child(sql), live, sql):
        error = Failed(
            f"after the run {left[0].object} is not as declared",
            "See what differs with `rlops verify`.",
            "not_verified",
        )
        return replace(answer, exit=Exit.FAILED, data=data, error=error)
    old = f" {OLD} is kept up to date as a way back; `rlops partition finish` drops it." if change.kept(db) else ""
    return replace(
        answer, data=data, headline=(words if answer.steps else f"Nothing to do: {words}") + old, next="rlops verify"
    )
