"""A change of form while the shop goes on: its tables, how far it has come, and what of it is in the schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rlops import facts, jobs, journal
from rlops.db import Database
from rlops.errors import Refused
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import integrity
from rlops.ops.partition.convert import record
from rlops.plan import Step
from rlops.sqlfiles import SqlFolder
from rlops.structure import Table, read_table, read_triggers

Direction = Literal["enable", "disable", "drain"]  # the last: from months to more months
Phase = Literal["copying", "compared", "postponed", "swapped", "aborting"]

SHADOW = f"{INTERACTIONS}__rlops_new"
OLD = f"{INTERACTIONS}__rlops_old"
FACT, KEPT = integrity.CHANGE, integrity.KEPT
COMMANDS: dict[Direction, str] = {
    "enable": "rlops partition enable",
    "disable": "rlops partition disable",
    "drain": "rlops partition ensure",
}
JOBS = tuple(command.removeprefix("rlops ") for command in COMMANDS.values())
GIVE_UP, CUT_OVER = "rlops jobs abort", "rlops partition cut-over"


@dataclass(frozen=True)
class Change:
    """A change that is under way; `postpone`: the tables change places by `partition cut-over` alone."""

    direction: Direction
    phase: Phase
    postpone: bool = False

    @property
    def command(self) -> str:
        """The command that goes on with it; the end of it, once that has begun: some of its triggers may be gone."""
        if self.phase == "aborting":
            return GIVE_UP
        return CUT_OVER if self.postpone and self.phase != "copying" else COMMANDS[self.direction]


def under_way(db: Database) -> Change | None:
    """The change that was begun and not finished. Its swap may have happened without a word: that is looked at."""
    text = journal.recorded(db).get(FACT)
    if not text:
        return None
    direction, phase, *wish = text.split()
    if phase in ("compared", "postponed") and facts.table_exists(db, OLD) and not facts.table_exists(db, SHADOW):
        phase = "swapped"
    return Change(direction, phase, bool(wish) or phase == "postponed")  # type: ignore[arg-type]


def kept(db: Database) -> Direction | None:
    """The direction of the finished change whose old table is still there, None without one."""
    return journal.recorded(db).get(KEPT) if facts.table_exists(db, OLD) else None  # type: ignore[return-value]


def is_old_dropped(db: Database) -> bool:
    """Whether somebody else than rlops has dropped the old table: what kept it equal is still there."""
    if not journal.recorded(db).get(KEPT) or facts.table_exists(db, OLD):
        return False
    return any(trigger.name.startswith(integrity.REVERSE) for trigger in read_triggers(db, INTERACTIONS))


def note(sql: SqlFolder, direction: Direction, phase: Phase, *, postpone: bool = False) -> Step:
    """The step that records how far the change has come."""
    return record(sql, FACT, f"{direction} {phase}" + (" postpone" if postpone else ""))


def forget(sql: SqlFolder, fact: str) -> Step:
    """The step that forgets a recorded fact."""
    return Step(
        f"forget {fact}", sql.statement("partition/910_forget", values={"fact": fact}), records=True, repeatable=True
    )


def has_job(db: Database) -> bool:
    """Whether a change's rows have begun to be copied, and are not all compared."""
    return jobs.is_open(db, *JOBS)


def close_jobs(db: Database, sql: SqlFolder) -> list[Step]:
    """The step that closes the job of a change, where there is one."""
    if not has_job(db):
        return []
    statement = sql.statement("partition/905_close_jobs", values={"names": JOBS})
    return [Step("close its job", statement, records=True, repeatable=True)]


def refuse_altered(db: Database, other: str, loss: str, hint: str) -> None:
    """Refuse where the interactions have got another column, or an index that the table lacks which is to replace them."""
    live, found = read_table(db, INTERACTIONS), read_table(db, other)
    if not isinstance(live, Table) or not isinstance(found, Table):
        return
    # The primary key is another for each form; a foreign key may have brought an index along.
    lost = [index for index in live.indexes if not index.primary and index not in found.indexes]
    if live.columns != found.columns or lost:
        problem = f"{INTERACTIONS} was altered since {other} was made of it, and {loss}"
        raise Refused(f"{problem}. Nothing was changed", hint, "altered")


def refuse_busy(db: Database, what: str) -> None:
    """Refuse `what` while a change of form is under way or its old table is kept: either would miss it."""
    change = under_way(db)
    if change:
        raise Refused(
            f"{INTERACTIONS} is on its way to another form, which {what} would confuse. Nothing was changed",
            f"Finish it by `{change.command}`, or give it up by `{GIVE_UP}`.", "change_under_way",
        )  # fmt: skip
    if kept(db):
        raise Refused(
            f"{OLD} is kept as a way back, and {what} would miss it. Nothing was changed",
            "`rlops partition finish` drops it.", "old_table_kept",
        )  # fmt: skip
