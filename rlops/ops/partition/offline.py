"""From one form to the other in one go, while the table's writers wait: for tables that are small enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from rlops import counting, facts
from rlops.clock import writers_now
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused
from rlops.ops import form
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.ops.migrate import differences
from rlops.ops.partition import change, checks, convert, integrity, months
from rlops.ops.partition.status import integrity_of, live_table
from rlops.plan import Answer, Plan, Step
from rlops.sqlfiles import SqlFolder
from rlops.structure import Table

MOST_BACK = 240  # months before the current one; older rows go into the first month
BYTES_PER_SECOND = 10_000_000  # copied by the blocking ALTER, measured at 19,000 rows of 500 bytes a second on 2 cores


def enable(db: Database, sql: SqlFolder, *, by_triggers: bool) -> Plan:
    """Plan the blocking change to months. Raises Refused where the table is missing or differs from what is declared."""
    live, each = live_table(db), integrity.the_child(sql)
    kept = integrity_of(db, live)
    data = {"partitioned": live.partitioning is not None, "integrity": kept}
    again = "rlops partition enable --offline" + ("" if by_triggers else " --integrity none")
    if live.partitioning:
        mends = mend_integrity(db, sql, each, kept, by_triggers=by_triggers)
        missed = (WITHOUT,) if any(not step.records for step in mends) else ()
        return Plan("partition enable", tuple(mends), data, missed, again=again)
    change.refuse_busy(db, "a copy while writers wait")
    refuse_different(db, sql, live)
    keys_go = not db.engine.can.keys_on_partitions
    if keys_go:
        checks.refuse_keys(db, sql, each)
    if keys_go and by_triggers:
        checks.refuse_triggers(db)
    checks.refuse_rows(db, sql, each, live)
    steps, notes = convert.to_partitions(db, sql, each, live, wanted_months(db, sql), by_triggers=by_triggers)
    rows, size = counting.count(db, INTERACTIONS), facts.bytes_of(db, INTERACTIONS)
    about = "about " if rows.estimated else ""
    notes = (
        *notes, *far_ahead(db, sql), *((COSTS if by_triggers else COSTS[-1:]) if keys_go else ()),
        *(checks.unseen_keys(db, sql) if keys_go else ()),
        *(checks.statements(db, sql, each) if by_triggers and keys_go else ()),
        f"{about}{rows.rows:,} rows ({size:,} bytes, the server's estimate) are copied while writers go on"
        if db.engine.can.writers_go_on else
        f"writers of {INTERACTIONS} wait while {about}{rows.rows:,} rows ({size:,} bytes, the server's estimate) are copied:"
        f" roughly {max(1, round(size / BYTES_PER_SECOND)):,} s; without --offline they don't",
    )  # fmt: skip
    return Plan(
        "partition enable", tuple(steps), data, notes, again=again,
    )  # fmt: skip


WITHOUT = "what came without them may be orphans: `rlops verify --data --full` finds those"


def mend_integrity(db: Database, sql: SqlFolder, each: Declared, kept: str, *, by_triggers: bool) -> list[Step]:
    """Put back what somebody has dropped of the integrity by triggers, or a reloaded dump hasn't brought, and their record."""
    known = form.recorded(db).integrity
    if change.under_way(db) or kept == form.FOREIGN_KEYS or known == form.NONE:
        return []
    if not by_triggers:
        return [] if kept == form.TRIGGERS else convert.records(sql, form.PARTITIONED, form.NONE, None)
    steps, by = integrity.enabling(db, sql, each, also=(change.OLD,) if change.kept(db) else ())
    return [*steps, *convert.records(sql, form.PARTITIONED, form.TRIGGERS, by)] if steps or not known else []


# What can't stay the same once triggers stand in for the foreign keys.
COSTS = (
    "a statement on users or product that also reads the interactions (DELETE … JOIN, … WHERE id IN (SELECT …)) fails with 1442",
    "REPLACE INTO users or product deletes the interactions of the replaced row",
    "INSERT IGNORE and UPDATE IGNORE of several interactions fail whole where one has no parent, instead of skipping it; so does UPDATE"
    " IGNORE of a parent's key; MariaDB refuses INSERT … ON DUPLICATE KEY UPDATE of a row without a parent that would only update",
    "a session's own temporary table that is named as users, product or the interactions hides that one from the triggers",
    "TRUNCATE and DROP of users or product become legal, and leave orphans, as cascades into them do: `rlops verify --data --full` finds"
    " those",
    "the primary key is (id, timestamp): the server no longer refuses a second row of the same id with another time",
)  # fmt: skip


def refuse_different(db: Database, sql: SqlFolder, live: Table) -> None:
    """Refuse to rebuild a table that isn't as declared; a run that died may have dropped its keys already."""
    halfway = {f"{INTERACTIONS}.PRIMARY"} if db.family == "tidb" else set()
    found = [
        each for each in differences(db, integrity.the_child(sql), live, sql)
        if not (each.check == "foreign_key" and each.actual == "absent") and each.object not in halfway
    ]  # fmt: skip
    if found:
        raise Refused(
            f"{found[0].object}: {found[0].check} is {found[0].actual}, declared is {found[0].expected}. Nothing was changed",
            "See every difference, with the statement that mends it: `rlops verify`.", "differs",
        )  # fmt: skip


def wanted_months(db: Database, sql: SqlFolder) -> list[datetime]:
    """The months from the first row's to the last row's or as far ahead as the policy says, within reason."""
    now, first, last = _span(db, sql)
    first = max(first, months.first_of(now, -MOST_BACK))
    last = min(last, months.first_of(now, months.MOST_AHEAD))
    return months.between(min(first, now), max(months.first_of(now, sql.policy.partitions.months_ahead), last))


def far_ahead(db: Database, sql: SqlFolder) -> Iterator[str]:
    """What to know where rows are of a later time than months are made for."""
    (now, _, last), wanted = _span(db, sql), sql.policy.partitions
    if last >= (end := months.end_of_all(now, wanted)):
        yield f"rows of {end:%Y-%m-%d} or later stay in the catch-all; `{months.later_rows(INTERACTIONS, wanted, end)}` shows them"


def _span(db: Database, sql: SqlFolder) -> tuple[datetime, datetime, datetime]:
    """Now, by the writers' clock, and the first and the last row's time; now, where there is none."""
    now = writers_now(db, sql.policy.writers_time_zone)
    first, last = months.span(db, sql, INTERACTIONS)
    return now, first or now, last or now


def disable(db: Database, sql: SqlFolder) -> Plan:
    """Plan the blocking way back to foreign keys. Raises Refused on an engine that can't take partitions away."""
    live, each = live_table(db), integrity.the_child(sql)
    data = {"partitioned": live.partitioning is not None, "integrity": integrity_of(db, live)}
    again = "rlops partition disable --offline"
    leftovers = form.recorded(db).form == form.PARTITIONED or integrity.leaving(db, sql, INTERACTIONS, *each.parents)
    if not live.partitioning and not leftovers:
        return Plan("partition disable", (), data, again=again)
    if live.partitioning and not db.engine.can.reorganizes:
        raise Refused("this engine can't take partitions away; nothing was changed", "", "no_remove_partitioning")
    change.refuse_busy(db, "a copy while writers wait")
    steps = convert.to_foreign_keys(db, sql, each, live)
    writers = "go on" if db.engine.can.writers_go_on else "wait"
    notes = (
        f"writers of {INTERACTIONS} {writers} while its rows are copied once and checked against users and product",
    )
    return Plan("partition disable", tuple(steps), data, notes, again=again)


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look at the form that holds after the run."""
    live = live_table(db)
    wanted = answer.command == "partition enable"
    data = {**answer.data, "partitioned": live.partitioning is not None, "integrity": integrity_of(db, live)}
    if data["partitioned"] != wanted or (left := differences(db, integrity.the_child(sql), live, sql)):
        what = left[0].object if data["partitioned"] == wanted else INTERACTIONS
        error = Failed(
            f"after the run {what} is not as declared", "See what differs with `rlops verify`.", "not_verified"
        )
        return replace(answer, exit=Exit.FAILED, data=data, error=error)
    by = data["integrity"].replace("_", " ")
    words = f"{INTERACTIONS} is {'partitioned by month' if wanted else 'unpartitioned'}; integrity by {by}."
    return replace(
        answer, data=data, headline=words if answer.steps else f"Nothing to do: {words}", next="rlops verify"
    )
