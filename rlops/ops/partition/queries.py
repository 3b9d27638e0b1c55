"""The statements that the server has seen on the tables: those that touch every month, those that triggers will change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rlops.db import Database, Lost, ServerError
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import status as status_op
from rlops.plan import Answer
from rlops.sqlfiles import SqlFolder
from rlops.words import counted

SHOWN = 10
SOURCES = {"oceanbase": "oceanbase.V$OB_PLAN_CACHE_PLAN_STAT, plans still in the cache"}
DIGESTS = "performance_schema.events_statements_summary_by_digest, since the server started"


@dataclass(frozen=True)
class Seen:
    """A statement without its values, how often it ran, and seconds in all."""

    statement: str
    executions: int
    total_seconds: float


def seen(db: Database, sql: SqlFolder, table: str) -> list[Seen] | None:
    """The statements seen on that table, the costliest first; None where the server or this account doesn't show any."""
    values = {"schema": db.schema, "like": f"%{table}%"}
    statement = sql.statement("partition/500_statements", values=values)
    try:
        rows = db.rows(statement.sql, statement.values)
        if not rows and db.family != "oceanbase" and not int(db.value("SELECT @@performance_schema")):
            return None
    except Lost:
        raise
    except ServerError:
        return None
    return [
        Seen(" ".join(str(r["statement"]).split()), int(r["executions"]), float(r["total_seconds"] or 0)) for r in rows
    ]


def not_kept(db: Database, sql: SqlFolder) -> Iterator[str]:
    """What the user should know where the server's record of statements is full."""
    if missing := int(db.value(sql.statement("partition/510_statements_not_kept").sql)):
        yield (
            f"the server's record of statements is full: {missing:,} executions, of this schema or another, are of"
            " statements that it doesn't list (performance_schema_digests_size)"
        )


def touches_every_month(statement: str, column: str) -> bool:
    """Whether a statement on the partitioned table has no condition on its time, so that the server looks into every month."""
    text = statement.upper()
    if not re.match(r"\(?\s*(SELECT|UPDATE|DELETE|WITH)\b", text) or "PARTITION (" in text:
        return False
    _, where, conditions = text.partition(" WHERE ")
    return not (
        where
        and re.search(
            rf"(?<![\w]){re.escape(column.upper())}\b", conditions.split(" GROUP BY ")[0].split(" ORDER BY ")[0]
        )
    )


def behave_differently(statements: Sequence[Seen], table: str, parents: Sequence[str]) -> Iterator[str]:
    """Which of these will fail or act otherwise once triggers stand in for the foreign keys, and how."""
    for each in statements:
        text = each.statement.replace("`", "").upper()
        for parent in parents:
            name = parent.upper()
            writes = re.match(rf"(DELETE|UPDATE)\b.*?\b{name}\b", text)
            if (
                writes
                and table.upper() in text
                and not re.match(rf"(DELETE FROM|UPDATE) {table.upper()}\b(?!.*\b{name}\b)", text)
            ):
                yield f"will fail with 1442 ({each.executions:,} times seen): {each.statement}"
            if re.match(rf"REPLACE (INTO )?{name}\b", text):
                yield f"will delete interactions ({each.executions:,} times seen): {each.statement}"
        if re.match(rf"INSERT IGNORE INTO {table.upper()}\b", text):
            yield f"will fail whole where one row has no parent ({each.executions:,} times seen): {each.statement}"


def status(db: Database, sql: SqlFolder) -> Answer:
    """`partition status` with the statements that can't be kept to some months."""
    answer = status_op.status(db, sql)
    found = seen(db, sql, INTERACTIONS)
    source = SOURCES.get(db.family, DIGESTS)
    if found is None:
        note = f"statements: not to be seen; they come from {source} (performance_schema=ON, and SELECT on it)"
        return replace(answer, data={**answer.data, "queries": None}, notes=(*answer.notes, note))
    column = sql.policy.partitions.column
    listed = [each for each in found if touches_every_month(each.statement, column)][:SHOWN]
    queries: list[dict[str, Any]] = [
        {
            "statement": each.statement,
            "executions": each.executions,
            "total_seconds": each.total_seconds,
            "source": source,
        }
        for each in listed
    ]
    note = (
        f"{counted(len(listed), 'statement')} without a condition on {column}: each looks into every month ({source})"
    )
    notes = (*answer.notes, note, *not_kept(db, sql))
    return replace(answer, data={**answer.data, "queries": queries}, notes=notes)
