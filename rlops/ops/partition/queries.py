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
from rlops.sqlfiles import SqlFolder, Statement
from rlops.structure import ForeignKey
from rlops.words import counted

SHOWN = 10
SOURCES = {"oceanbase": "oceanbase.V$OB_PLAN_CACHE_PLAN_STAT, plans still in the cache"}
_QUALIFIER = r"(?:\w+ ?\. ?)?"  # a schema's name before a table's
_WITH = r"(?:WITH\b.*?\) )?"
DIGESTS = "performance_schema.events_statements_summary_by_digest, since the server started"


@dataclass(frozen=True)
class Seen:
    """A statement without its values, how often it ran, and seconds in all."""

    statement: str
    executions: int
    total_seconds: float


def seen(db: Database, sql: SqlFolder, table: str) -> list[Seen] | None:
    """The statements seen on that table, the costliest first; None where the server or this account doesn't show any."""
    return _seen(db, sql.statement("partition/500_statements", values={"schema": db.schema, "like": f"%{table}%"}))


def writes(db: Database, sql: SqlFolder) -> list[Seen] | None:
    """Those that were seen to write to any table, likewise."""
    return _seen(db, sql.statement("partition/505_writes", values={"schema": db.schema}))


def _seen(db: Database, statement: Statement) -> list[Seen] | None:
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


def behave_differently(statements: Sequence[Seen], child: str, keys: Sequence[ForeignKey]) -> Iterator[str]:
    """Which of these will fail or act otherwise once triggers stand in for the child's foreign keys, and how."""
    for each in statements:
        text = each.statement.replace("`", "").upper()
        for said in _differences(text, child.upper(), keys):
            yield f"{said} ({each.executions:,} times seen): {each.statement}"


def _differences(text: str, child: str, keys: Sequence[ForeignKey]) -> Iterator[str]:
    if re.search(rf"\b{child}\b", text) and any(_writes_back(text, key) for key in keys):
        yield "will fail with 1442"
    if any(
        re.match(rf"REPLACE (?:(?:LOW_PRIORITY|DELAYED|INTO) )*{_QUALIFIER}{key.ref_table.upper()}\b", text)
        for key in keys
    ):
        yield "will delete interactions"
    if re.match(rf"INSERT (?:(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY) )?IGNORE (?:INTO )?{_QUALIFIER}{child}\b", text):
        yield "will fail whole where one row has no parent"


def _writes_back(text: str, key: ForeignKey) -> bool:
    """Whether it deletes rows of the key's parent, or changes their key, so that a trigger of that parent writes to the child."""
    parent = key.ref_table.upper()
    if key.on_update == "CASCADE" and (update := re.match(rf"{_WITH}UPDATE (.*?) SET (.*)", text)):
        changed = update[2].partition(" WHERE ")[0]
        return bool(re.search(rf"\b{parent}\b", update[1]) and re.search(rf"\b{key.ref_columns[0].upper()} =", changed))
    return key.on_delete == "CASCADE" and parent in _deleted_from(text, parent)


def _deleted_from(text: str, parent: str) -> Iterator[str]:
    """The tables that a DELETE deletes from; an alias of the parent's counts as the parent."""
    found = re.match(rf"{_WITH}DELETE (?:(?:LOW_PRIORITY|QUICK|IGNORE) )*(?P<from>FROM )?(?P<rest>.*)", text)
    if not found:
        return
    targets, word, tables = found["rest"].partition(" USING " if found["from"] else " FROM ")
    if not word or " WHERE " in targets:  # of one table
        targets, tables = re.split(" (?:WHERE|AS) ", found["rest"])[0], ""
    for target in targets.split(","):
        name = re.match(rf" ?{_QUALIFIER}(\w+)", target)
        if name:
            yield parent if re.search(rf"\b{parent} (?:AS )?{name[1]}\b", tables) else name[1]


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
