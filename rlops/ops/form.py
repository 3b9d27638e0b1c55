"""The two forms in which the interactions are declared: with foreign keys, or partitioned with integrity triggers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rlops import engines, journal
from rlops.db import Database
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.sqlfiles import SqlFolder, quote
from rlops.structure import Finding, Index, IndexPart, Other, Table

FOREIGN_KEYS, PARTITIONED = "foreign_keys", "partitioned"
TRIGGERS, NONE = "triggers", "none"
FORM, INTEGRITY, DEFINER = "interactions_form", "interactions_integrity", "integrity_definer"  # in rlops_state


@dataclass(frozen=True)
class Recorded:
    """What rlops recorded of the interactions; None where it recorded nothing."""

    form: str | None
    integrity: str | None
    definer: str | None


def recorded(db: Database) -> Recorded:
    """What was recorded in the target."""
    return of(journal.recorded(db))


def of(facts: Mapping[str, str]) -> Recorded:
    """The same of facts that were read already."""
    return Recorded(facts.get(FORM), facts.get(INTEGRITY), facts.get(DEFINER))


def live_form(table: Table | Other | None) -> str | None:
    """The form that holds, by what the server shows; None where there is no such table."""
    if not isinstance(table, Table):
        return None
    return PARTITIONED if table.partitioning else FOREIGN_KEYS


def holding(each: Declared, live: Table | Other | None, sql: SqlFolder, family: engines.Family) -> Declared:
    """The declaration in the form that the live table has; what its months should be is compared elsewhere."""
    if each.table.name != INTERACTIONS or live_form(live) != PARTITIONED:
        return each
    assert isinstance(live, Table)
    return replace(each, table=replace(partitioned(each.table, sql, family), partitioning=live.partitioning))


def partitioned(table: Table, sql: SqlFolder, family: engines.Family) -> Table:
    """The partitioned form of a declared table, its months aside: the time in the primary key, no foreign keys.

    OceanBase keeps foreign keys on a partitioned table.
    """
    keys = table.foreign_keys if engines.CAPABILITIES[family].keys_on_partitions else ()
    indexes = tuple(_widened(each, sql.policy.partitions.column) if each.primary else each for each in table.indexes)
    return replace(table, indexes=indexes, foreign_keys=keys)


def primary_key(table: Table) -> tuple[str, ...]:
    """The columns of a table's primary key."""
    return tuple(part.column for index in table.indexes if index.primary for part in index.parts)


def index_along(table: Table, column: str) -> str:
    """The index by which the rows of one parent are found: the first that begins with its column.

    A foreign key needs one; where none is declared the server makes one of the key's name.
    """
    begins = (each.name for each in table.indexes if each.parts[0].column == column and not each.primary)
    made = (key.name for key in table.foreign_keys if key.columns[0] == column)
    return next(begins, None) or next(made, None) or column


def _widened(index: Index, column: str) -> Index:
    if any(part.column.lower() == column.lower() for part in index.parts):
        return index
    parts = (*index.parts, IndexPart(column))
    return replace(index, parts=parts, sql=f"PRIMARY KEY ({', '.join(quote(part.column) for part in parts)})")


def findings(db: Database, live: Table | Other | None) -> Iterator[Finding]:
    """Where the form that holds isn't the one that rlops recorded."""
    found, known = live_form(live), recorded(db).form
    if found and known and found != known:
        words = {FOREIGN_KEYS: "unpartitioned, with foreign keys", PARTITIONED: "partitioned by month"}
        hint = "rlops partition enable" if known == PARTITIONED else "rlops partition disable"
        yield Finding("form", INTERACTIONS, words[known], words[found], hint)
