"""TiDB's steps between the two forms: one change a statement, since it takes no two of a primary key at once (1068).

Each goes on while writers do. In between the table has no primary key; ids come from the server all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rlops.db import Database
from rlops.errors import Refused
from rlops.ops import form
from rlops.plan import Expect, Step
from rlops.sqlfiles import SqlFolder
from rlops.structure import Table
from rlops.structure.model import literal


def refuse_clustered(table: Table) -> None:
    """Refuse a table whose primary key is the order of storage, which TiDB never changes (8200)."""
    if any(each.primary and "CLUSTERED" in each.options for each in table.indexes):
        raise Refused(
            f"the primary key of {table.name} is clustered, and TiDB never changes such a one (8200). Nothing was changed",
            "A table that rlops makes has one that isn't: see sql/create/010_user_product_interactions.tidb.sql.",
            "clustered_key",
        )


def to_months(db: Database, sql: SqlFolder, table: Table, names: Mapping[str, Any], title: str) -> list[Step]:
    """The steps that widen the primary key and partition, once the foreign keys are gone."""
    refuse_clustered(table)
    by = sql.statement("partition/240_partition_by", names)
    done = (Expect("partitions", table.name),)
    return [*_primary_key(db, sql, table, names["key_columns"]), Step(title, by, done, touches=(table.name,))]


def back(db: Database, sql: SqlFolder, table: Table, key_columns: Sequence[str]) -> list[Step]:
    """The steps that take the partitions away and narrow the primary key again."""
    gone = (Expect("partitions", table.name, present=False),)
    statement = sql.statement("partition/250_remove_partitions", {"table": table.name})
    away = [Step(f"take the partitions of {table.name} away", statement, gone, touches=(table.name,))]
    return [*(away if table.partitioning else []), *_primary_key(db, sql, table, key_columns)]


def _primary_key(db: Database, sql: SqlFolder, table: Table, wanted: Sequence[str]) -> list[Step]:
    have, name = form.primary_key(table), table.name
    if list(have) == list(wanted):
        return []
    dropped = sql.statement("partition/232_drop_primary_key", {"table": name})
    added = sql.statement("partition/234_add_primary_key", {"table": name, "key_columns": list(wanted)})
    title = f"give {name} the primary key ({', '.join(wanted)})"
    steps = [Step(title, added, (_keyed(db, name, present=True),), touches=(name,))]
    if have:
        gone = (_keyed(db, name, present=False),)
        steps.insert(0, Step(f"drop the primary key of {name}", dropped, gone, touches=(name,)))
    return steps


def _keyed(db: Database, name: str, *, present: bool) -> Expect:
    sql = (
        "SELECT COUNT(*) AS n FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_TYPE = 'PRIMARY KEY'"
        f" AND TABLE_SCHEMA = {literal(db.schema)} AND TABLE_NAME = {literal(name)}"
    )
    return Expect("query", name, sql, present)
