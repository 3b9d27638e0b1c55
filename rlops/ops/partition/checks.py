"""What is looked at before the interactions are partitioned: what forbids it, and what will behave differently."""

from __future__ import annotations

from collections.abc import Iterator

from rlops.db import Database
from rlops.errors import Refused
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.ops.partition import queries
from rlops.sqlfiles import SqlFolder


def refuse_keys(db: Database, sql: SqlFolder, each: Declared) -> None:
    """Refuse where another table refers to the interactions, or a parent is a cascade's child. Nothing is changed."""
    values = {"schema": db.schema, "tables": (INTERACTIONS, *each.parents)}
    ask = sql.statement("partition/060_referred_from", values=values)
    for row in db.rows(ask.sql, ask.values):
        if row["parent"] == INTERACTIONS:
            _refuse(
                f"{row['child']} refers to {INTERACTIONS} by {row['name']}: a partitioned table can't be referred to",
                "Drop that foreign key first.",
                "referred_to",
            )
        if row["child"] in each.parents and "CASCADE" in (row["on_delete"], row["on_update"]):
            _refuse(
                f"{row['child']} is itself the child of {row['parent']} by a cascade ({row['name']}), which fires no trigger:"
                " interactions would stay behind without their parent", "Delete such rows by statements of their own.", "cascading_parent",
            )  # fmt: skip


def _refuse(message: str, hint: str, code: str) -> None:
    raise Refused(f"{message}. Nothing was changed", hint, code)


def statements(db: Database, sql: SqlFolder, each: Declared) -> Iterator[str]:
    """The statements seen that will fail or do something else once triggers stand in for the foreign keys."""
    found = queries.seen(db, sql, INTERACTIONS)
    if found is None:
        yield "statements that will behave differently can't be looked for: performance_schema is off, or not for this account"
        return
    yield from list(queries.behave_differently(found, INTERACTIONS, each.parents))[: queries.SHOWN]
    yield from queries.not_kept(db, sql)
