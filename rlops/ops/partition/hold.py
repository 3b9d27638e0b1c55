"""Hold tables: an expired month's rows, exchanged out of the table and kept for a while, `TABLE__hold_YYYYMM_YYYYMMDDHHMMSS`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from rlops import facts
from rlops.db import Database
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition.months import Month

MARK = "__hold_"
_NAME = re.compile(rf"{INTERACTIONS}{MARK}(?P<month>\d{{6}})_(?P<taken>\d{{14}})")


@dataclass(frozen=True)
class Hold:
    """One hold table: the month that it holds (YYYYMM) and when it was taken out, by the writers' clock."""

    table: str
    month: str
    taken: datetime

    def until(self, days: int) -> datetime:
        """When its time is up."""
        return self.taken + timedelta(days=days)


def found(db: Database) -> list[Hold]:
    """Every hold table of the schema, the oldest month first."""
    holds = []
    for name in facts.tables(db):
        if match := _NAME.fullmatch(name):
            holds.append(Hold(name, match["month"], datetime.strptime(match["taken"], "%Y%m%d%H%M%S")))
    return sorted(holds, key=lambda each: (each.month, each.taken))


def name_for(month: Month, now: datetime) -> str:
    """The name of the table that is to hold that month, by its last day's month."""
    assert month.upper
    last_day = month.upper - timedelta(days=1)
    return f"{INTERACTIONS}{MARK}{last_day:%Y%m}_{now:%Y%m%d%H%M%S}"
