"""What is looked at before the interactions are partitioned: what forbids it, and what will behave differently."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from rlops import lock
from rlops.db import Database, Forbidden
from rlops.errors import Refused
from rlops.ops import form
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.ops.partition import integrity, months, queries
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import Table, read_triggers

ZERO = "1000-01-01"  # before it are only zero dates, which a strict session can't copy
MOST_MONTHS = 1200  # from the first row's on, between which odd times are looked for


def refuse_keys(db: Database, sql: SqlFolder, each: Declared) -> None:
    """Refuse where another table refers to the interactions, or a parent is a cascade's child. Nothing is changed."""
    values = {"schema": db.schema, "tables": (INTERACTIONS, *each.parents)}
    ask = sql.statement("partition/060_referred_from", values=values)
    rows, here = db.rows(ask.sql, ask.values), lock.folded(db, db.schema)
    for row in rows:
        row.update({name: lock.folded(db, row[name]) for name in ("child_schema", "parent_schema", "child", "parent")})
    referring = [
        (row["child"] if row["child_schema"] == here else f"{row['child_schema']}.{row['child']}", row["name"])
        for row in rows if (row["parent_schema"], row["parent"]) == (here, INTERACTIONS)
    ]  # fmt: skip
    for child, name in referring or _referring_unseen(db, sql) or ():
        _refuse(
            f"{child} refers to {INTERACTIONS} by {name}: a partitioned table can't be referred to",
            "Drop that foreign key first.",
            "referred_to",
        )
    for row in rows:
        own = row["child_schema"] == here and row["child"] in each.parents
        if own and "CASCADE" in (row["on_delete"], row["on_update"]):
            _refuse(
                f"{row['child']} is itself the child of {row['parent']} by a cascade ({row['name']}), which fires no trigger:"
                " interactions would stay behind without their parent", "Delete such rows by statements of their own.", "cascading_parent",
            )  # fmt: skip


def _referring_unseen(db: Database, sql: SqlFolder) -> list[tuple[str, str]] | None:
    """Tables that refer to the interactions, also of schemas that this account holds nothing on; None where it may not look.

    A schema whose name InnoDB writes otherwise (one with other than letters, digits and _) is missed here.
    """
    if db.family not in ("mysql", "mariadb"):
        return []
    ask = sql.statement(
        "partition/065_referred_from_anywhere", values={"table": f"{lock.folded(db, db.schema)}/{INTERACTIONS}"}
    )
    try:
        rows = db.rows(ask.sql, ask.values)
    except Forbidden:
        return None
    return [(row["child"].replace("/", "."), row["name"].partition("/")[2]) for row in rows]


def refuse_triggers(db: Database) -> None:
    """Refuse triggers of the shop's on the interactions: cascades have fired none of them, and a new table lacks them."""
    names = (trigger.name for trigger in read_triggers(db, INTERACTIONS))
    if foreign := [name for name in names if not name.startswith(integrity.PREFIX)]:
        problem = (
            f"{INTERACTIONS} has triggers of the shop's, {', '.join(foreign)}: a foreign key's cascade fires none of them, what"
            " rlops' triggers delete would, and a new table lacks them"
        )
        _refuse(problem, "Drop them first; create them anew after it where that is meant.", "foreign_triggers")


def refuse_rows(db: Database, sql: SqlFolder, each: Declared, live: Table) -> None:
    """Refuse rows that no copy takes as they are."""
    column, key = sql.policy.partitions.column, form.primary_key(each.table)[0]
    odd = sql.statement(
        "partition/615_odd_rows", {"table": INTERACTIONS, "column": column, "key": key}, {"first": ZERO}
    )
    if db.value(odd.sql, odd.values):
        problem = f"{INTERACTIONS} has rows whose {column} is a zero date, or whose {key} is 0, which can't be copied as they are"
        _refuse(problem, "Give them a date, and another id, first.", "odd_rows")
    days = sql.statement(
        "partition/617_odd_days", {"table": INTERACTIONS, "condition": _between_months(db, sql, live, column)}
    )
    if db.value(days.sql):
        problem = f"{INTERACTIONS} has rows whose {column} is a day that no month has, such as 2024-03-00, which can't be copied"
        shown = f"SELECT * FROM {INTERACTIONS} WHERE LAST_DAY({quote(column)}) IS NULL"
        _refuse(problem, f"Give them a date first; {shown} shows them.", "odd_rows")


def _between_months(db: Database, sql: SqlFolder, live: Table, column: str) -> Keywords:
    """The times behind a month's last and ahead of the next one's first, along the index: 2024-02-30, 2024-03-00."""
    first, last = months.span(db, sql, INTERACTIONS)
    if first is None or last is None:
        return Keywords(("FALSE",))
    begins = months.between(first, min(months.first_of(last, 1), months.first_of(first, MOST_MONTHS)))
    kept = next((each.type for each in live.columns if each.name == column), "")
    digits = int((re.findall(r"\d", kept) or ["0"])[0])  # MySQL would round a finer time up to the next month
    key, least = quote(column), timedelta(microseconds=10 ** (6 - digits))
    return Keywords((" OR ".join(f"({key} > '{each - least}' AND {key} < '{each}')" for each in begins),))


def _refuse(message: str, hint: str, code: str) -> None:
    raise Refused(f"{message}. Nothing was changed", hint, code)


def unseen_keys(db: Database, sql: SqlFolder) -> Iterator[str]:
    """What to know where not every foreign key to the interactions can be seen."""
    if _referring_unseen(db, sql) is None:
        yield (
            f"a foreign key to {INTERACTIONS} from a schema that this account holds nothing on isn't seen (that needs PROCESS), and"
            " would follow the old table or fail the change"
        )


def statements(db: Database, sql: SqlFolder, each: Declared) -> Iterator[str]:
    """The statements seen that will fail or do something else once triggers stand in for the foreign keys."""
    found = queries.writes(db, sql)
    if found is None:
        yield "statements that will behave differently can't be looked for: performance_schema is off, or not for this account"
        return
    yield from list(queries.behave_differently(found, INTERACTIONS, each.table.foreign_keys))[: queries.SHOWN]
    yield from queries.not_kept(db, sql)
