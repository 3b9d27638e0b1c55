"""A change of form while the shop goes on: its tables, how far it has come, and what of it is in the schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rlops import facts, journal
from rlops.db import Database
from rlops.errors import Refused
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import integrity
from rlops.ops.partition.convert import record
from rlops.plan import Step
from rlops.sqlfiles import SqlFolder

Direction = Literal["enable", "disable", "drain"]  # the last: from months to more months
Phase = Literal["copying", "compared", "postponed", "swapped"]

SHADOW = f"{INTERACTIONS}__rlops_new"
OLD = f"{INTERACTIONS}__rlops_old"
FACT, KEPT = integrity.CHANGE, integrity.KEPT
COMMANDS: dict[Direction, str] = {
    "enable": "rlops partition enable",
    "disable": "rlops partition disable",
    "drain": "rlops partition ensure",
}
JOBS = tuple(command.removeprefix("rlops ") for command in COMMANDS.values())


@dataclass(frozen=True)
class Change:
    """A change that is under way."""

    direction: Direction
    phase: Phase

    @property
    def command(self) -> str:
        """The command that goes on with it."""
        return COMMANDS[self.direction]


def under_way(db: Database) -> Change | None:
    """The change that was begun and not finished. Its swap may have happened without a word: that is looked at."""
    text = journal.recorded(db).get(FACT)
    if not text:
        return None
    direction, _, phase = text.partition(" ")
    if phase in ("compared", "postponed") and facts.table_exists(db, OLD) and not facts.table_exists(db, SHADOW):
        phase = "swapped"
    return Change(direction, phase)  # type: ignore[arg-type]


def kept(db: Database) -> Direction | None:
    """The direction of the finished change whose old table is still there, None without one."""
    return journal.recorded(db).get(KEPT) if facts.table_exists(db, OLD) else None  # type: ignore[return-value]


def note(sql: SqlFolder, direction: Direction, phase: Phase) -> Step:
    """The step that records how far the change has come."""
    return record(sql, FACT, f"{direction} {phase}")


def forget(sql: SqlFolder, fact: str) -> Step:
    """The step that forgets a recorded fact."""
    return Step(f"forget {fact}", sql.statement("partition/910_forget", values={"fact": fact}), records=True)


def refuse_busy(db: Database, what: str) -> None:
    """Refuse `what` while a change of form is under way or its old table is kept: either would miss it."""
    change = under_way(db)
    if change:
        raise Refused(
            f"{INTERACTIONS} is on its way to another form, which {what} would confuse. Nothing was changed",
            f"Finish it by `{change.command}`, or give it up by `rlops jobs abort`.", "change_under_way",
        )  # fmt: skip
    if kept(db):
        raise Refused(
            f"{OLD} is kept as a way back, and {what} would miss it. Nothing was changed",
            "`rlops partition finish` drops it.", "old_table_kept",
        )  # fmt: skip
