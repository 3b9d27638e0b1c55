"""Hold tables: an expired month's rows, exchanged out of the table and kept for a while, `TABLE__hold_YYYYMM_YYYYMMDDHHMMSS`."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rlops import facts, journal, privileges
from rlops.db import Database
from rlops.errors import Refused
from rlops.ops.declared import INTERACTIONS

MARK = "__hold_"
TAKING = "taking_out"  # in rlops_state: the hold table whose rows aren't all accounted for yet; "" when none is
_NAME = re.compile(rf"{INTERACTIONS}{MARK}(?P<month>\d{{6}})_(?P<taken>\d{{14}})")
RIGHTS = ("SELECT", "INSERT", "DELETE", "CREATE", "ALTER", "DROP", "LOCK TABLES")


@dataclass(frozen=True)
class Hold:
    """One hold table: the first day of its month, and when it was made, by the writers' clock."""

    table: str
    month: date
    taken: datetime

    def is_over(self, days: int, now: datetime) -> bool:
        """Whether it has been kept for so many days."""
        return self.taken + timedelta(days=days) <= now


def named(table: str) -> Hold | None:
    """The hold table of that name; None for any other table."""
    if match := _NAME.fullmatch(table):
        with suppress(ValueError):
            month = datetime.strptime(match["month"], "%Y%m").date()
            return Hold(table, month, datetime.strptime(match["taken"], "%Y%m%d%H%M%S"))
    return None


def found(db: Database) -> list[Hold]:
    """Every hold table of the schema, the oldest month first."""
    holds = (named(name) for name in facts.tables(db))
    return sorted((each for each in holds if each), key=lambda each: (each.month, each.taken))


def name_for(month: date, now: datetime) -> str:
    """The name of the table that is to hold that month."""
    return f"{INTERACTIONS}{MARK}{month:%Y%m}_{now:%Y%m%d%H%M%S}"


def being_filled(db: Database) -> Hold | None:
    """The hold table of a month that is on its way out, or was when a run died."""
    return named(journal.recorded(db).get(TAKING) or "")


def refuse_unfinished(db: Database, what: str) -> None:
    """Refuse `what` while a month is on its way out: some of its rows are in the hold table alone, not compared yet."""
    if found := being_filled(db):
        raise Refused(
            f"{found.month:%Y-%m} is on its way out of {INTERACTIONS}: what {found.table} has of it isn't compared with the"
            f" archive yet, and {what} would lose sight of it. Nothing was changed",
            "`rlops cleanup` goes on with it.", "month_under_way",
        )  # fmt: skip


def may_exchange(db: Database) -> bool:
    """Whether this engine can exchange a partition, and this account may."""
    held = privileges.own(db)
    return db.engine.can.takes_months_out and all(held.has(word, db.schema) for word in RIGHTS)
