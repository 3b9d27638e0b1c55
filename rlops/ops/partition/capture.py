"""The triggers that repeat every change of one table in another, in the writer's own transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rlops.ops import form
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.ops.partition.change import OLD, SHADOW
from rlops.ops.partition.definer import Definer
from rlops.ops.partition.integrity import NAME_LIMIT, PREFIX, Spec
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import Table

Label = Literal["capture", "reverse"]


@dataclass(frozen=True)
class Way:
    """Which table's changes are repeated in which other, and by which set of triggers."""

    label: Label
    on: str
    into: str


def capturing(on: str = INTERACTIONS) -> Way:
    """From the table into its shadow, before they change places; `on` is where those triggers are."""
    return Way("capture", on, SHADOW)


def reversing(on: str = INTERACTIONS) -> Way:
    """From the new table into the old one, which is kept; `on` is the shadow before they change places."""
    return Way("reverse", on, OLD)


def specs(sql: SqlFolder, each: Declared, way: Way, by: Definer, *, cascades: bool) -> list[Spec]:
    """The triggers of that way, in the order in which to create them.

    Deletions first: a row that is repeated before its deletion could be would stay for ever. With `cascades` the
    table has foreign keys, whose cascades fire no trigger of its own, so the parents carry some too.
    """
    names: dict[str, Any] = {
        "definer": by.sql, "shadow": way.into, "columns": list(columns(each.table)), "table": way.on,
        "new_values": Keywords(tuple(f"NEW.{quote(name)}" for name in columns(each.table))),
        "old_values": Keywords(tuple(f"OLD.{quote(name)}" for name in columns(each.table))),
        "key_columns": row_id(each.table), "time_column": sql.policy.partitions.column,
    }  # fmt: skip

    def spec(event: str, file: str, where: str, **more: Any) -> Spec:
        name = f"{PREFIX}{way.label}_{event}"[:NAME_LIMIT]
        return Spec(name, where, sql.statement(f"partition/{file}", {**names, **more, "trigger": name}))

    parents: list[Spec] = []
    for key in each.table.foreign_keys if cascades else ():
        column, more = (
            key.columns[0],
            # A trigger on a parent stays where it is when the tables change places, so it names the one to come.
            {
                "column": key.columns[0],
                "parent": key.ref_table,
                "parent_key": key.ref_columns[0],
                "table": INTERACTIONS,
                "index": form.index_along(each.table, key.columns[0]),
            },
        )
        if key.on_delete == "CASCADE":
            parents.append(spec(f"{column}_delete", "640_capture_parent_delete", key.ref_table, **more))
        if key.on_update == "CASCADE":
            parents.append(spec(f"{column}_key", "641_capture_parent_key", key.ref_table, **more))
    own = [
        spec(event, f"{number}_capture_{event}", way.on)
        for event, number in (("delete", 630), ("update", 620), ("insert", 610))
    ]
    return [*parents, *own]


def columns(table: Table) -> tuple[str, ...]:
    """The columns that have a value of their own, in their order."""
    return tuple(column.name for column in table.columns if not column.generated)


def row_id(table: Table) -> str:
    """The column that tells a row, along which the table is copied: the first of the primary key."""
    return form.primary_key(table)[0]


def is_one(name: str) -> bool:
    """Whether a trigger of that name is one of these."""
    return name.startswith((f"{PREFIX}capture_", f"{PREFIX}reverse_"))
