"""What a partitioned table adds to retention: months that leave at once, partitions and hold tables that are dropped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from rlops.archive.place import Place
from rlops.clock import writers_now
from rlops.db import Database
from rlops.ops import form
from rlops.ops.cleanup import Due
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import ending, hold, integrity
from rlops.ops.partition.ending import DropEmptied, DropHolds
from rlops.ops.partition.take_out import TakeOut
from rlops.plan import Step
from rlops.sqlfiles import SqlFolder
from rlops.structure import read_table


@dataclass(frozen=True)
class Whole:
    """The work on whole months, beside retention's own; on a table without partitions there is none."""

    take_out: TakeOut | None = None
    emptied: DropEmptied | None = None
    holds: DropHolds | None = None
    note: str = ""

    def steps(self) -> list[Step]:
        """The steps behind retention's own."""
        return [each.step() for each in (self.emptied, self.holds) if each]

    def stand_ins(self, edge: datetime) -> tuple[str, ...]:
        """The table and, for all of its hold tables, the one that a month before the edge would go into."""
        return (INTERACTIONS, hold.name_for(edge, edge)) if self.take_out else ()

    def account(self) -> dict[str, object]:
        """What they did."""
        return {
            "dropped_partitions": self.emptied.dropped if self.emptied else [],
            "hold_tables": self.take_out.taken if self.take_out else [],
            "dropped_hold_tables": self.holds.dropped if self.holds else [],
            "stayed_hold_tables": self.holds.stayed if self.holds else [],
        }

    @property
    def remarks(self) -> list[str]:
        """What the user should know of how it went."""
        return [text for each in (self.take_out, self.holds) if each for text in each.remarks]


def plan(
    db: Database, sql: SqlFolder, where: Place, found: Due,
    *, now: datetime | None, most: int | None, begins: bool,
) -> Whole:  # fmt: skip
    """Plan it. `begins`: rows are about to go, so that partitions may be empty then; `most` of these are dropped."""
    clock = now or writers_now(db, sql.policy.writers_time_zone)
    over = ending.over(db, sql, clock)
    holds = DropHolds(sql, where, over) if over else None
    unfinished = hold.being_filled(db)
    if form.live_form(read_table(db, INTERACTIONS)) != form.PARTITIONED and not unfinished:
        return Whole(holds=holds)
    take_out = TakeOut(sql, where, integrity.the_child(sql), now)
    if why := ending.unfit(db, sql):
        ends = replace(take_out, starts=False) if unfinished else None
        return Whole(ends, holds=holds, note=f"row by row, and no partition is dropped: {why}")
    dropping = ending.of_fit(sql, found.edge, clock, most)
    note = (
        "a month with a partition of its own is exchanged whole with a hold table, which stays for"
        f" {sql.policy.partitions.hold_days} days (sql/partition/400 to 485); the DELETE is for the others"
    )
    return Whole(take_out, dropping if begins or dropping.is_any(db) else None, holds, note)
