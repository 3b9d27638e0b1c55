"""Rows whose parent is gone: loads with foreign_key_checks=0, or a dropped key, make them."""

from __future__ import annotations

from dataclasses import dataclass

from rlops.db import Database
from rlops.ops import declared
from rlops.ops.data.shapes import Breach
from rlops.ops.data.tally import Place, Tally
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import ForeignKey, normalise


@dataclass(frozen=True)
class Orphans:
    """Looks for them along one declared foreign key, whether or not the table has that key."""

    sql: SqlFolder
    key: ForeignKey
    place: Place

    def look(self, db: Database, since: int, until: int, tally: Tally) -> None:
        """Look at the rows of a range of ids, in a snapshot of its own. Raises ServerError."""
        parent = Keywords((_parent(self.key),))
        names = {
            "table": self.place.table, "column": self.key.columns[0], "parent": parent, "parent_key": self.key.ref_columns[0],
        }  # fmt: skip
        statement = self.sql.statement("data/050_orphans", names, {"since": since, "until": until})
        parent_key = quote(self.key.ref_columns[0])
        # OceanBase trusts a foreign key and finds nothing without the `+ 0`; elsewhere it costs nothing.
        where = f"{quote(self.place.column)} + 0 NOT IN (SELECT {parent_key} FROM {_parent(self.key)})"
        for row in db.rows(statement.sql, statement.values):
            gone = f"no {self.key.ref_table} {row['value']}"
            tally.add(self.place, row["id"], Breach("orphan", "", f"an id of {self.key.ref_table}", gone, where))


def of_each_key(sql: SqlFolder, family: str) -> dict[str, list[Orphans]]:
    """What to look for in each declared table."""
    return {
        each.table.name: [
            Orphans(sql, key, Place(each.table.name, key.columns[0]))
            for key in normalise(each.table, family).foreign_keys
        ]
        for each in declared.tables(sql)
    }


def _parent(key: ForeignKey) -> str:
    return f"{quote(key.ref_schema)}.{quote(key.ref_table)}" if key.ref_schema else quote(key.ref_table)
