"""Whose rows are to be erased: those of users and products that are gone, or those of a list of ids."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rlops.db import Database
from rlops.errors import Failed
from rlops.ops.backups import orphans
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import ForeignKey

AT_ONCE = 5_000  # parents looked for by one statement


@dataclass(frozen=True)
class Wanted:
    """`ids` by column, or None for the rows whose parent is gone, by the declared `keys`."""

    keys: Sequence[ForeignKey]
    ids: Mapping[str, frozenset[int]] | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that are looked at."""
        every = dict.fromkeys(key.columns[0] for key in self.keys)
        return [column for column in every if self.ids is None or self.ids.get(column)]

    @property
    def mark(self) -> str:
        """Tells one list of ids from another."""
        said = "" if self.ids is None else repr({column: sorted(ids) for column, ids in sorted(self.ids.items())})
        return hashlib.sha256(said.encode()).hexdigest()[:12] if said else "orphans"

    @property
    def why(self) -> str:
        """What a part's history says; it names nobody."""
        return "rows of users or products that are gone were erased" if self.ids is None else "named rows were erased"

    def among(self, db: Database, sql: SqlFolder, column: str, values: Iterable[int | None]) -> set[int]:
        """Those of the column's values whose rows are to go. Raises Failed when a parents' table is empty by now."""
        asked = {value for value in values if value is not None}
        if self.ids is not None:
            return asked & self.ids.get(column, frozenset())
        key = next(key for key in self.keys if key.columns[0] == column)
        ordered, there = sorted(asked), set[int]()
        for start in range(0, len(ordered), AT_ONCE):
            names = {"parent": orphans.qualified(key), "parent_key": key.ref_columns[0]}
            query = sql.statement("archive/100_parents_there", names, {"ids": ordered[start : start + AT_ONCE]})
            there |= {int(row["id"]) for row in db.rows(query.sql, query.values)}
        if asked and not there and is_empty(db, key):
            raise Failed(
                f"{key.ref_table} is empty by now: nothing can be told of whose rows are to go",
                "Look at that table; then type the same command again.", "no_parents",
            )  # fmt: skip
        return asked - there

    def condition(self, db: Database, columns: Iterable[str]) -> str:
        """SQL that is true of a row (alias b) that is to go, for the columns that its table has."""
        names = set(columns)
        if self.ids is None:
            return orphans.condition([key for key in self.keys if key.columns[0] in names])
        parts = [
            f"COALESCE({db.text(f'b.{quote(column)} IN %s', (sorted(ids),))}, 0)"
            for column, ids in self.ids.items()
            if column in names and ids
        ]
        return f"({' OR '.join(parts)})" if parts else "FALSE"


def is_empty(db: Database, key: ForeignKey) -> bool:
    """Whether the key's parents' table has no row."""
    parent = orphans.qualified(key)
    name = parent.words[0] if isinstance(parent, Keywords) else quote(parent)
    return db.row(f"SELECT 1 AS there FROM {name} LIMIT 1") is None
