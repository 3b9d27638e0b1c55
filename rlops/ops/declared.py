"""What the SQL folder declares: the tables, their parents, their names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rlops.db import Database
from rlops.errors import Refused, Usage
from rlops.sqlfiles import SqlFile, SqlFolder
from rlops.structure import Table, parse_create_table, read_table

INTERACTIONS = "user_product_interactions"
MODELS = "rl_model_metadata"
FEATURES = "user_context_features"


@dataclass(frozen=True)
class Declared:
    """One declared table and the file that declares it."""

    file: SqlFile
    table: Table

    @property
    def parents(self) -> tuple[str, ...]:
        """The tables that its foreign keys refer to."""
        return tuple(key.ref_table for key in self.table.foreign_keys)


def tables(sql: SqlFolder) -> list[Declared]:
    """The declared tables in the order of creation.

    Raises Usage, with the file, when one can't be understood or one of the three is missing.
    """
    found = []
    for file in sql.group("create"):
        try:
            found.append(Declared(file, _parse(file.body)))
        except Usage as error:
            raise Usage(f"{file.path}: {error.message}", error.hint, error.code) from error
    names = {declared.table.name for declared in found}
    for name in (INTERACTIONS, MODELS, FEATURES):
        if name not in names:
            raise Usage(f"{sql.root / 'create'}: no file creates {name}")
    return found


@lru_cache
def _parse(text: str) -> Table:
    return parse_create_table(text)


def names(sql: SqlFolder) -> list[str]:
    """The names of the declared tables, in the order of creation."""
    return [declared.table.name for declared in tables(sql)]


def live_interactions(db: Database) -> Table:
    """The interactions as they live. Raises Refused when there is no such table."""
    live = read_table(db, INTERACTIONS)
    if not isinstance(live, Table):
        raise Refused(
            f"{db.schema} has no table {INTERACTIONS}; nothing was changed", "`rlops migrate` creates it.", "no_table"
        )
    return live
