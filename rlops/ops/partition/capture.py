"""The triggers that repeat every change of one table in another, in the writer's own transaction.

Every statement locks the rows of the table that the shop uses before those of the other one, and no gap of the other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rlops.ops import form
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.ops.partition.change import OLD, SHADOW, Direction
from rlops.ops.partition.definer import Definer
from rlops.ops.partition.integrity import CAPTURE, NAME_LIMIT, REVERSE, Spec
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import Table

_PARENT_DELETE = {
    "on": "640_capture_parent_delete", "into": "130_parent_delete_cascade", "neither": "642_parent_rows_first",
}  # fmt: skip


@dataclass(frozen=True)
class Way:
    """Which table's changes are repeated in which other, by which set of triggers, and which of the two has foreign keys."""

    prefix: Literal["rlops_capture_", "rlops_reverse_"]
    on: str
    into: str
    keys: Literal["on", "into", "neither"]


def capturing(direction: Direction) -> Way:
    """From the table into its shadow, before they change places."""
    keys: dict[Direction, Any] = {"enable": "on", "disable": "into", "drain": "neither"}
    return Way(CAPTURE, INTERACTIONS, SHADOW, keys[direction])


def reversing(direction: Direction, on: str = INTERACTIONS) -> Way:
    """From the new table into the old one, which is kept; `on` is the shadow before they change places."""
    keys: dict[Direction, Any] = {"enable": "into", "disable": "on", "drain": "neither"}
    return Way(REVERSE, on, OLD, keys[direction])


def specs(sql: SqlFolder, each: Declared, way: Way, by: Definer) -> list[Spec]:
    """The triggers of that way, in the order in which to create them.

    Deletions first: a row that is repeated before its deletion or update could be would stay as it is for ever. The parents
    carry some too: cascades fire no trigger of the table itself, those of the other one have to come after the deletion by
    triggers, and where neither has foreign keys a parent's rows are locked before any of them is repeated, while rows are copied.
    """
    # When the tables change places, a trigger on a parent stays and one on a table goes along: both name the one to come.
    names: dict[str, Any] = {
        "definer": by.sql, "table": INTERACTIONS, "shadow": way.into, "columns": list(columns(each.table)), "on": way.on,
        "new_values": of_row("NEW", each.table), "old_values": of_row("OLD", each.table),
        "changes": Keywords(tuple(f"{quote(name)} = NEW.{quote(name)}" for name in columns(each.table))),
        "condition": Keywords((" AND ".join(f"{quote(name)} <=> NEW.{quote(name)}" for name in columns(each.table)),)),
        "key_columns": row_id(each.table), "time_column": sql.policy.partitions.column,
    }  # fmt: skip

    def spec(event: str, file: str, where: str, **more: Any) -> Spec:
        name = f"{way.prefix}{event}"[:NAME_LIMIT]
        return Spec(name, where, sql.statement(f"partition/{file}", {**names, **more, "trigger": name}), lenient=True)

    parents: list[Spec] = []
    kept: list[Spec] = []
    for key in each.table.foreign_keys if way.keys != "neither" or way.into == SHADOW else ():
        column = key.columns[0]
        more = {
            "column": column, "parent": key.ref_table, "parent_key": key.ref_columns[0],
            "index": form.index_along(each.table, column), "when": Keywords(("BEFORE",)),
            "gone": f"rlops_gone_{column}", "replaced": f"rlops_replaced_{column}",
        }  # fmt: skip
        if key.on_delete == "CASCADE":
            # The old table has every row, so that no gap is locked where its foreign keys have deleted first.
            keys = "neither" if way.keys == "into" and way.into == OLD else way.keys
            parents.append(spec(f"{column}_delete", _PARENT_DELETE[keys], key.ref_table, **more))
            if way.keys == "on" and sql.family == "mysql":
                parents.insert(0, spec(f"{column}_gone", "641_capture_parent_gone", key.ref_table, **more))
                kept.append(spec(f"{column}_kept", "643_capture_parent_kept", key.ref_table, **more))
    # The old table has every row from the first; the shadow gets them one by one.
    delete, update = (
        ("630_capture_delete", "620_capture_update")
        if way.into == SHADOW
        else ("635_reverse_delete", "625_reverse_update")
    )
    files = (("delete", delete), ("update", update), ("insert", "610_capture_insert"))
    return [*parents, *(spec(event, file, way.on) for event, file in files), *kept]


def columns(table: Table) -> tuple[str, ...]:
    """The columns that have a value of their own, in their order."""
    return tuple(column.name for column in table.columns if not column.generated)


def of_row(row: str, table: Table) -> Keywords:
    """The values of that row's columns."""
    return Keywords(tuple(f"{row}.{quote(name)}" for name in columns(table)))


def row_id(table: Table) -> str:
    """The column that tells a row, along which the table is copied: the first of the primary key."""
    return form.primary_key(table)[0]
