"""Drop whole months past the retention once they are empty: what was in them is cleanup's to archive and delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rlops import withdraw
from rlops.clock import cutoff, writers_now
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import ensure, integrity, months
from rlops.ops.partition.months import Month
from rlops.ops.partition.status import emptied, expired, live_table
from rlops.plan import Answer, Chunk, Plan, Step, StepResult
from rlops.sqlfiles import SqlFolder
from rlops.words import counted


def plan(db: Database, sql: SqlFolder, months_kept: int, most: int) -> Plan:
    """Plan the end of the oldest months past the cutoff that have no row, `most` at the most.

    A month is left where an older one has rows: the range of a dropped month falls to the next one.

    Raises Refused where the months don't fit one a month, or on an engine where this isn't proven.
    """
    live_table(db)
    if db.family == "oceanbase":
        raise Refused(
            f"a month isn't dropped on {db.engine}: that no row comes in meanwhile is not proven there. Nothing was changed",
            "`rlops cleanup` archives and deletes expired rows.", "not_proven",
        )  # fmt: skip
    now = writers_now(db, sql.policy.writers_time_zone)
    found = months.read(db, sql, INTERACTIONS)
    ensure.refuse_foreign(found, sql, whole=True)
    edge = cutoff(now, months_kept)
    past = expired(found, edge, now)
    empty = emptied(db, sql, past)
    chosen, left = empty[:most], past[len(empty) :]
    touches = (INTERACTIONS, *integrity.the_child(sql).parents)
    steps = tuple(_drop(sql, month, touches) for month in chosen)
    data: dict[str, Any] = {
        "cutoff": edge.isoformat(), "time_zone": sql.policy.writers_time_zone, "months": months_kept,
        "dropped_partitions": [], "waiting_partitions": [month.name for month in left],
    }  # fmt: skip
    notes = [f"{month.name} has no row any more" for month in chosen]
    if len(empty) > most:
        notes.append(f"{counted(len(empty) - most, 'empty month')} more: one run drops {most} at most")
    if left:
        notes.append(f"{left[0].name} still has rows, so it stays, and so do the months behind it")
    return Plan(
        "partition expire", steps, data, tuple(notes), again=f"rlops partition expire --months {months_kept}", account=_account
    )  # fmt: skip


def _drop(sql: SqlFolder, month: Month, touches: Sequence[str]) -> Step:
    outline = sql.file("partition/320_drop_partition").outline({"table": INTERACTIONS, "partition": month.name}, {})
    return Step(f"drop the empty {month.name}", outline, touches=tuple(touches), work=Dropping(sql, month))


@dataclass(frozen=True)
class Dropping:
    """Drops a partition once it is seen to be empty, with writers held back in between: a row that came late would go with it."""

    sql: SqlFolder
    month: Month

    @property
    def total(self) -> int | None:
        """No rows are touched."""
        return None

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Look and drop. The DDL commits the caller's transaction; a repetition finds the partition gone.

        Raises Failed when a row has arrived since the plan, LockWait when the table is in use.
        """
        names = {"table": INTERACTIONS, "partition": self.month.name}
        if all(month.name != self.month.name for month in months.read(db, self.sql, INTERACTIONS).all):
            return Chunk(0, self.month.name, last=True)
        with withdraw.early(db):
            db.execute(self.sql.statement("partition/430_lock_table", {"table": INTERACTIONS}).sql)
        try:
            if db.value(self.sql.statement("partition/040_any_row", names).sql):
                raise Failed(
                    f"a row was written into {self.month.name} since it was seen to be empty; both stay",
                    "`rlops cleanup` archives and deletes it; then type the same command again.", "late_rows",
                )  # fmt: skip
            db.execute(self.sql.statement("partition/320_drop_partition", names).sql)
        finally:
            db.execute("UNLOCK TABLES")
        return Chunk(0, self.month.name, last=True)


def _account(results: Sequence[StepResult]) -> dict[str, object]:
    dropped = [result.name.removeprefix("drop the empty ") for result in results if result.chunks]
    return {"dropped_partitions": dropped, "paused_seconds": sum(result.paused_seconds for result in results)}


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Say what is gone, and what waits for cleanup (FINDINGS)."""
    data = answer.data
    gone, waiting = ", ".join(data["dropped_partitions"]), data["waiting_partitions"]
    there = {month.name for month in months.read(db, sql, INTERACTIONS).all}
    if still := sorted(there & set(data["dropped_partitions"])):
        error = Failed(
            f"after the run {', '.join(still)} is still there", "See `rlops partition status`.", "not_verified"
        )
        return replace(answer, exit=Exit.FAILED, error=error)
    headline = f"Dropped {gone}." if gone else f"Nothing to do: no empty month is older than {data['cutoff'][:10]}."
    if not waiting:
        return replace(answer, headline=headline, next="rlops partition status")
    what = f"{counted(len(waiting), 'expired month')} from {waiting[0]} on not empty yet."
    return replace(
        answer, exit=Exit.FINDINGS, headline=f"{headline.removesuffix('.')}; {what}", next=f"rlops cleanup --months {data['months']}"
    )  # fmt: skip
