"""Whether a backup's rows fit into a live table of perhaps another structure, and the SQL that tells which ones clash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rlops import rowhash
from rlops.errors import Refused
from rlops.ops.backups import copy
from rlops.sqlfiles import quote
from rlops.structure import Column, Index, Table, normalise


@dataclass(frozen=True)
class Match:
    """A backup's table (alias b) beside the live one (alias l): the columns that both have, and the live unique keys."""

    live: Table
    kept: Table
    columns: tuple[str, ...]
    key: str
    unique: tuple[Index, ...]

    def retyped(self) -> list[str]:
        """The columns whose type differs, for people."""
        pairs = ((_column(self.live, name), _column(self.kept, name)) for name in self.columns)
        return [
            f"{live.name} ({live.type}, {kept.type} in the backup)" for live, kept in pairs if live.type != kept.type
        ]

    def equal(self, index: Index) -> str:
        """SQL: the live row has the backup row's values in that unique key."""
        return " AND ".join(self._equal(part.column) for part in index.parts)

    def same(self) -> str:
        """SQL: the live row is the backup's row, value by value; exact in case, spaces and accents."""
        return "(" + " AND ".join(self._identical(name) for name in self.columns) + ")"

    def there(self) -> str:
        """SQL: the backup's row is in the live table already, value by value."""
        return f"EXISTS (SELECT 1 FROM {quote(self.live.name)} AS l WHERE {self._of_its_id()} AND {self.same()})"

    def beside(self, name: str) -> str:
        """SQL: the backup's row was kept in that table of its own already."""
        return f"EXISTS (SELECT 1 FROM {quote(name)} AS l WHERE {self._of_its_id()})"

    def _of_its_id(self) -> str:
        return self.equal(next(index for index in self.unique if index.primary))

    def clashes(self) -> str:
        """SQL: some live row has one of the backup row's unique keys."""
        return "(" + " OR ".join(self.clash(index) for index in self.unique) + ")"

    def clash(self, index: Index) -> str:
        """SQL: a live row has that unique key of the backup's row."""
        return f"EXISTS (SELECT 1 FROM {quote(self.live.name)} AS l WHERE {self.equal(index)})"

    def _equal(self, name: str) -> str:
        live, kept = _column(self.live, name), _column(self.kept, name)
        value = f"b.{quote(name)}"
        if rowhash.kind(live) == "text" and live.collation and live.collation != kept.collation:
            value = f"CONVERT({value} USING {live.charset}) COLLATE {live.collation}"
        return f"l.{quote(name)} = {value}"

    def _identical(self, name: str) -> str:
        return rowhash.same(_column(self.kept, name), "b", _column(self.live, name), "l")


def match(live: Table, kept: Table, family: str) -> Match:
    """Fit a backup's table to the live one. Raises Refused with the first thing for which rows could not be kept whole."""
    live, kept = normalise(live, family), normalise(kept, family)
    copy.refuse_table(kept.name, kept)
    there = {column.name.lower(): column for column in live.columns}
    for column in kept.columns:
        _fits(live.name, column, there.get(column.name.lower()))
    ours = {column.name.lower() for column in kept.columns}
    for column in live.columns:
        if column.name.lower() not in ours and not _fills_itself(column):
            _refuse(live.name, f"its column {column.name} is not in the backup and has no default", "a default")
    unique = tuple(index for index in live.indexes if index.primary or index.unique)
    if not any(index.primary for index in unique):
        _refuse(live.name, "it has no primary key", "the primary key")
    _unique_too(live.name, unique, kept)
    key = copy.key_column(kept)
    assert key
    columns = tuple(column.name for column in kept.columns if not column.generated)
    return Match(live, kept, columns, key, unique)


def _fits(table: str, kept: Column, live: Column | None) -> None:
    if live is None:
        _refuse(table, f"it has no column {kept.name}, which the backup's rows have", f"{kept.sql}")
        return
    kinds = tuple(rowhash.kind(column) for column in (kept, live))
    if kept.type != live.type and (kinds[0] != kinds[1] or kinds[0] is None):
        _refuse(table, f"its {live.name} is {live.type}, and {kept.type} in the backup", kept.sql)
    if bool(live.generated) != bool(kept.generated):
        _refuse(table, f"its {live.name} is generated on one side only", kept.sql)


def _fills_itself(column: Column) -> bool:
    return bool(column.null or column.default is not None or column.generated or "AUTO_INCREMENT" in column.extra)


def _unique_too(table: str, unique: tuple[Index, ...], kept: Table) -> None:
    have = [{part.column.lower() for part in index.parts} for index in kept.indexes if index.primary or index.unique]
    names = {column.name.lower() for column in kept.columns}
    for index in unique:
        wanted = {part.column.lower() for part in index.parts}
        plain = all(not part.expression and not part.length for part in index.parts)
        if not plain or not wanted <= names or not any(each <= wanted for each in have):
            _refuse(table, f"its unique key {index.name} {index.columns} is none of the backup's", "that index dropped")


def _column(table: Table, name: str) -> Column:
    found: Mapping[str, Column] = {column.name.lower(): column for column in table.columns}
    return found[name.lower()]


def _refuse(table: str, problem: str, wanted: str) -> None:
    raise Refused(
        f"the backup's rows don't fit into the live {table}: {problem}. Nothing was changed",
        f"Change the live table ({wanted}), or move it aside with `rlops rollback` and then restore without --merge.",
        "does_not_fit",
    )
