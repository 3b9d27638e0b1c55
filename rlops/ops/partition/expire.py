"""Take whole months past the retention out of the table: exchanged with an empty hold table, dropped after the hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rlops import facts
from rlops.clock import cutoff as cutoff_of
from rlops.clock import writers_now
from rlops.db import Database
from rlops.errors import Failed, Refused
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import ensure, hold, integrity, months
from rlops.ops.partition.hold import Hold
from rlops.ops.partition.months import Month
from rlops.ops.partition.status import expired, live_table
from rlops.plan import Answer, Chunk, Expect, Plan, Step, StepResult
from rlops.sqlfiles import SqlFolder, quote
from rlops.words import counted


@dataclass(frozen=True)
class Wish:
    """What is wanted: whole months to keep, at most so many taken out, and whether it may be without an archive."""

    months: int
    most: int
    no_archive: bool
    environment: str
    command: str = "partition expire"

    @property
    def again(self) -> str:
        """The command to type for it."""
        return f"rlops {self.command} --months {self.months}" + (" --no-archive" if self.no_archive else "")


def plan(db: Database, sql: SqlFolder, wish: Wish) -> Plan:
    """Plan the exchange of each expired month, the oldest first, and the end of hold tables whose time is up.

    Raises Refused where the months don't fit one a month, without an archive in production, or on an engine that
    can't exchange partitions.
    """
    live_table(db)
    if db.family == "oceanbase":
        raise Refused(
            "this engine can't exchange a partition, so a month couldn't be brought back. Nothing was changed",
            "`rlops cleanup` deletes expired rows in short transactions.", "no_exchange",
        )  # fmt: skip
    now = writers_now(db, sql.policy.writers_time_zone)
    found = months.read(db, sql, INTERACTIONS)
    ensure.refuse_foreign(found, sql, whole=True)
    edge = cutoff_of(now, wish.months)
    past = expired(found, edge, now)
    chosen = past[: wish.most]
    if chosen and wish.environment == "production" and not wish.no_archive:
        raise Refused(
            f"{', '.join(month.name for month in chosen)} would go, and no verified archive of them is known. Nothing was changed",
            "Say --no-archive to take them out all the same.", "no_archive",
        )  # fmt: skip
    holds = hold.found(db)
    over = [each for each in holds if each.until(sql.policy.partitions.hold_days) <= now]
    rows = {month.name: _count(db, sql, month) for month in chosen}
    into = {month.name: _hold_for(db, month, holds, now) for month in chosen if rows[month.name]}
    steps: list[Step] = []
    for month in chosen:
        steps += _take_out(db, sql, month, into.get(month.name), holds)
    steps += [_drop_hold(sql, each) for each in over]
    return Plan(wish.command, tuple(steps), _data(sql, wish, edge) | _taken(rows, into, over), tuple(_notes(sql, wish, chosen, past, rows)),
        question=_question(db, chosen, rows, over, sql.policy.partitions.hold_days),
        name_database=wish.environment == "production" and bool(steps), again=wish.again, account=_account,
    )  # fmt: skip


def _data(sql: SqlFolder, wish: Wish, edge: datetime) -> dict[str, Any]:
    return {
        "cutoff": edge.isoformat(), "time_zone": sql.policy.writers_time_zone, "months": wish.months,
        "expired_rows_estimated": False, "expired_rows_source": "COUNT(*) of the partitions",
        "deleted_rows": 0, "archived_rows": 0, "dropped_partitions": [], "chunks": 0, "paused_seconds": 0.0,
    }  # fmt: skip


def _taken(rows: dict[str, int], into: dict[str, str], over: Sequence[Hold]) -> dict[str, Any]:
    taken = [{"partition": name, "rows": n, "hold": into.get(name)} for name, n in rows.items()]
    return {"expired_rows": sum(rows.values()), "taken_out": taken, "dropped_holds": [each.table for each in over]}


def _notes(
    sql: SqlFolder, wish: Wish, chosen: Sequence[Month], past: Sequence[Month], rows: dict[str, int]
) -> list[str]:
    notes = [f"{month.name}: {counted(rows[month.name], 'row')} before {month.upper:%Y-%m-%d}" for month in chosen]
    if chosen:
        notes.append(
            f"each stays in a hold table for {sql.policy.partitions.hold_days} days: EXCHANGE PARTITION undoes it"
        )
    if len(past) > len(chosen):
        notes.append(
            f"{counted(len(past) - len(chosen), 'month')} more past the cutoff: one run takes {wish.most} at most"
        )
    if chosen and wish.months < sql.policy.retention.interactions_months:
        notes.append(f"{wish.months} months is less than the policy's {sql.policy.retention.interactions_months}")
    return notes


def _question(db: Database, chosen: Sequence[Month], rows: dict[str, int], over: Sequence[Hold], days: int) -> str:
    parts = []
    if chosen:
        what = f"{counted(len(chosen), 'month')} with {counted(sum(rows.values()), 'row')}"
        parts.append(f"takes {what} out of {INTERACTIONS}, kept aside for {days} days")
    if over:
        parts.append(f"drops {', '.join(each.table for each in over)} for good")
    return f"In {db.schema} this {', and '.join(parts)}."


def _count(db: Database, sql: SqlFolder, month: Month) -> int:
    statement = sql.statement("partition/041_count_rows", {"table": INTERACTIONS, "partition": month.name})
    return int(db.value(statement.sql))


def _hold_for(db: Database, month: Month, holds: Sequence[Hold], now: datetime) -> str:
    """A new hold table's name, or that of an empty one, which a run that died left."""
    name = hold.name_for(month, now)
    same = (each.table for each in holds if each.month == name.split("_")[-2])
    return next((table for table in same if _is_empty(db, table)), name)


def _take_out(db: Database, sql: SqlFolder, month: Month, into: str | None, holds: Sequence[Hold]) -> list[Step]:
    steps: list[Step] = []
    if into:
        steps += _hold(db, sql, into, exists=into in {each.table for each in holds})
        names = {"table": INTERACTIONS, "partition": month.name, "hold": into}
        exchange = sql.statement("partition/420_exchange", names, volatile=("hold",))
        filled = Expect("query", into, f"SELECT EXISTS (SELECT 1 FROM {quote(into)}) AS found")
        touches = (INTERACTIONS, *integrity.the_child(sql).parents)
        steps.append(Step(f"exchange {month.name} with its hold table", exchange, (filled,), touches=touches))
    outline = sql.file("partition/320_drop_partition").outline({"table": INTERACTIONS, "partition": month.name}, {})
    return [*steps, Step(f"drop the emptied {month.name}", outline, work=Dropping(sql, month))]


def _is_empty(db: Database, table: str) -> bool:
    return not db.value(f"SELECT EXISTS (SELECT 1 FROM {quote(table)}) AS found")


def _hold(db: Database, sql: SqlFolder, name: str, *, exists: bool) -> list[Step]:
    names = {"hold": name, "table": INTERACTIONS}
    steps = []
    if not exists:
        made = sql.statement("partition/400_create_hold", names, volatile=("hold",))
        steps.append(Step(f"create {name}", made, (Expect("table", name),)))
    if not exists or facts.is_partitioned(db, name):
        bare = sql.statement("partition/410_hold_without_partitions", names, volatile=("hold",))
        steps.append(Step(f"take the partitions off {name}", bare, (Expect("partitions", name, present=False),)))
    return steps


def _drop_hold(sql: SqlFolder, each: Hold) -> Step:
    statement = sql.statement("partition/440_drop_hold", {"hold": each.table})
    return Step(f"drop {each.table}, whose time is up", statement, (Expect("table", each.table, present=False),))


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

        Raises Failed when a row has arrived since the exchange.
        """
        names = {"table": INTERACTIONS, "partition": self.month.name}
        if all(month.name != self.month.name for month in months.read(db, self.sql, INTERACTIONS).all):
            return Chunk(0, self.month.name, last=True)
        try:
            db.execute(self.sql.statement("partition/430_lock_table", names).sql)
            if db.value(self.sql.statement("partition/040_any_row", names).sql):
                raise Failed(
                    f"rows were written into {self.month.name} after it was taken out; they stay, and so does the partition",
                    "Type the same command again: it takes them out, too.", "late_rows",
                )  # fmt: skip
            db.execute(self.sql.statement("partition/320_drop_partition", names).sql)
        finally:
            db.execute("UNLOCK TABLES")
        return Chunk(0, self.month.name, last=True)


def _account(results: Sequence[StepResult]) -> dict[str, object]:
    dropped = [result.name.removeprefix("drop the emptied ") for result in results if result.chunks]
    return {"dropped_partitions": dropped, "paused_seconds": sum(result.paused_seconds for result in results)}


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Compare each hold table with what was counted before, and say what is gone."""
    del sql
    data, notes = dict(answer.data), list(answer.notes)
    if not answer.steps:
        edge = data["cutoff"].replace("T", " ")
        return replace(
            answer, headline=f"Nothing to do: no whole month is older than {edge}, and no hold table's time is up."
        )
    taken, total = [], 0
    for each in data["taken_out"]:
        held = int(db.value(f"SELECT COUNT(*) AS n FROM {quote(each['hold'])}")) if each["hold"] else 0
        taken.append({**each, "held_rows": held})
        total += held
        if held != each["rows"]:
            notes.append(
                f"{each['partition']} had {each['rows']:,} rows when they were counted, and {each['hold']} holds {held:,}:"
                " writers changed the month in between"
            )
    data |= {"deleted_rows": total, "taken_out": taken}
    gone = ", ".join(data["dropped_partitions"]) or "no partition"
    aside = f"; {counted(total, 'row')} kept aside" if taken else ""
    ended = f"; {counted(len(data['dropped_holds']), 'hold table')} dropped" if data["dropped_holds"] else ""
    return replace(
        answer, data=data, notes=tuple(notes), headline=f"Dropped {gone}{aside}{ended}.", next="rlops partition status"
    )
