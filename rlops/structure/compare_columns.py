"""Compares columns: which there are, what each is, and in which order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from rlops.sqlfiles import quote
from rlops.structure.model import Column, Finding, Table
from rlops.structure.tokens import tokenize


def renames(expected: Table, actual: Table) -> dict[str, str]:
    """Live names, in lower case, of columns that are only called otherwise, with their declared names.

    A missing column and an extra one at the same place and alike in all else are one renamed column: dropping the one
    and adding the other would lose its data.
    """
    wanted, found = _by_name(expected), _by_name(actual)
    missing = {position: column for position, column in enumerate(expected.columns) if column.name.lower() not in found}
    extra = {position: column for position, column in enumerate(actual.columns) if column.name.lower() not in wanted}
    return {
        column.name.lower(): missing[position].name
        for position, column in extra.items()
        if position in missing and not any(_differences(missing[position], column))
    }


def findings(expected: Table, actual: Table, renamed: dict[str, str], family: str) -> Iterator[Finding]:
    """Every difference of the columns but the extra ones."""
    writer = _Writer(expected, actual, family)
    found = {renamed.get(name, name).lower(): column for name, column in _by_name(actual).items()}
    for column in expected.columns:
        there = found.get(column.name.lower())
        if there is None:
            yield writer.missing(column)
        elif there.name != column.name:
            yield writer.renamed(column, there)
        else:
            yield from writer.changed(column, there)
    yield from writer.moved(renamed)


def extra_findings(expected: Table, actual: Table, renamed: dict[str, str]) -> Iterator[Finding]:
    """The columns that nobody declared."""
    declared = _by_name(expected)
    for column in actual.columns:
        if renamed.get(column.name.lower(), column.name).lower() not in declared:
            hint = f"ALTER TABLE {quote(expected.name)} DROP COLUMN {quote(column.name)}"
            yield Finding("column", f"{expected.name}.{column.name}", "absent", describe(column), hint)


class _Writer:
    """Writes the findings of one table's columns."""

    def __init__(self, expected: Table, actual: Table, family: str) -> None:
        self.expected = expected
        self.actual = actual
        self.family = family
        self.alter = f"ALTER TABLE {quote(expected.name)} "

    def missing(self, column: Column) -> Finding:
        hint = f"{self.alter}ADD COLUMN {self._definition(column)}{self._place(column)}"
        return Finding("column", self._object(column.name), describe(column), "absent", hint)

    def renamed(self, column: Column, there: Column) -> Finding:
        hint = f"{self.alter}CHANGE COLUMN {quote(there.name)} {self._definition(column)}"
        return Finding("column", self._object(column.name), f"named {column.name}", f"named {there.name}", hint)

    def changed(self, column: Column, there: Column) -> Iterator[Finding]:
        hint = f"{self.alter}MODIFY COLUMN {self._definition(column)}"
        for check, wanted, found in _differences(column, there):
            yield Finding(check, self._object(column.name), wanted, found, hint)

    def moved(self, renamed: dict[str, str]) -> Iterator[Finding]:
        declared = [column.name.lower() for column in self.expected.columns]
        names = [renamed.get(column.name.lower(), column.name).lower() for column in self.actual.columns]
        positions = [declared.index(name) for name in names if name in declared]
        for position in sorted(set(positions) - set(_longest_rise(positions))):
            column = self.expected.columns[position]
            before = names[names.index(column.name.lower()) - 1] if names.index(column.name.lower()) else ""
            hint = f"{self.alter}MODIFY COLUMN {self._definition(column)}{self._place(column)}"
            wanted = self._place(column).strip() or "in its place"
            found = f"AFTER {quote(before)}" if before else "FIRST"
            yield Finding("column.order", self._object(column.name), wanted, found, hint)

    def _definition(self, column: Column) -> str:
        return definition(column, self.expected, self.actual, self.family)

    def _place(self, column: Column) -> str:
        """Behind the column before it, which is there by then: the statements are in the columns' order."""
        position = self.expected.columns.index(column)
        return f" AFTER {quote(self.expected.columns[position - 1].name)}" if position else " FIRST"

    def _object(self, name: str) -> str:
        return f"{self.expected.name}.{name}"


def definition(column: Column, expected: Table, actual: Table, family: str) -> str:
    """What ADD and MODIFY COLUMN take, whatever the live table's default collation is."""
    text = column.sql
    said = any(token.kind == "word" and token.text.upper() == "COLLATE" for token in tokenize(text))
    if column.collation != actual.collation and column.collation and column.type != "json" and not said:
        text += f" COLLATE {column.collation}"
    if family == "mariadb":
        text = " ".join([text, *(check.sql for check in expected.checks if check.column == column.name)])
    return text


def describe(column: Column) -> str:
    """The column in one line."""
    null = "NULL" if column.null else "NOT NULL"
    default = f"DEFAULT {column.default}" if column.default is not None else ""
    return " ".join(filter(None, (column.type, null, default, *column.extra)))


def _differences(column: Column, there: Column) -> Iterator[tuple[str, str, str]]:
    pairs = (
        ("column.type", column.type, there.type),
        ("column.null", "NULL" if column.null else "NOT NULL", "NULL" if there.null else "NOT NULL"),
        ("column.default", column.default or "none", there.default or "none"),
        ("column.on_update", column.on_update or "none", there.on_update or "none"),
        ("column.collation", column.collation or "none", there.collation or "none"),
        ("column.comment", column.comment, there.comment),
        ("column.extra", _extra(column), _extra(there)),
    )
    # A change between a text and another type takes the collation along, and a NOT NULL its DEFAULT NULL.
    silent = set()
    if column.type != there.type and (None in (column.collation, there.collation) or column.type == "json"):
        silent.add("column.collation")
    if column.null != there.null and {column.default, there.default} == {None, "null"}:
        silent.add("column.default")
    if (column.type, there.type) == ("json", "longtext") and column.collation == there.collation:
        # MariaDB's JSON, less its check.
        silent.add("column.type")
        yield "check", f"CHECK (json_valid({column.name}))", "absent"
    for check, wanted, found in pairs:
        if wanted != found and check not in silent:
            yield check, wanted, found


def _extra(column: Column) -> str:
    generated = f"GENERATED ALWAYS AS {column.generated}" if column.generated else ""
    return " ".join(filter(None, (generated, *column.extra))) or "none"


def _by_name(table: Table) -> dict[str, Column]:
    return {column.name.lower(): column for column in table.columns}


def _longest_rise(positions: list[int]) -> list[int]:
    """The longest rising subsequence: the columns that need not move (patience sorting)."""
    tails: list[list[int]] = []
    for position in positions:
        at = bisect_left([rise[-1] for rise in tails], position)
        rise = [*(tails[at - 1] if at else []), position]
        tails[at : at + 1] = [rise]
    return tails[-1] if tails else []
