"""Counts what the checks find, keeps a few ids of each kind, and words it as findings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from rlops.ops.data.shapes import Breach
from rlops.sqlfiles import quote
from rlops.structure import Finding
from rlops.words import counted

SAMPLES = 3


@dataclass(frozen=True)
class Place:
    """A column that is checked; `shows` are the columns to look at, where it is not that one alone."""

    table: str
    column: str
    shows: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


@dataclass
class Hits:
    """The rows of one kind of breach."""

    place: Place
    breach: Breach
    rows: int = 0
    first_id: int = 0
    last_id: int = 0
    samples: dict[int, str] = field(default_factory=dict)

    def add(self, row_id: int, actual: str) -> None:
        """Count one row."""
        self.first_id = min(self.first_id, row_id) if self.rows else row_id
        self.last_id = max(self.last_id, row_id) if self.rows else row_id
        self.rows += 1
        if len(self.samples) < SAMPLES:
            self.samples[row_id] = actual

    def finding(self, latest: str) -> Finding:
        """The finding, whose hint is a SELECT that shows the rows."""
        path = f".{self.breach.path}" if self.breach.path else ""
        shown = ", ".join(f"id {row_id} ({actual})" for row_id, actual in self.samples.items())
        few = self.rows <= len(self.samples)
        actual = f"{counted(self.rows, 'row')}{':' if few else ', such as'} {shown}"
        return Finding(
            self.breach.check, f"{self.place}{path}", self.breach.expected, actual, self._select(latest, few)
        )

    def _select(self, latest: str, few: bool) -> str:
        columns = ", ".join(map(quote, ("id", *(self.place.shows or (self.place.column,)))))
        found = f"SELECT {columns} FROM {quote(self.place.table)} WHERE id "
        if few or not self.breach.where:
            return f"{found}IN ({', '.join(map(str, self.samples))})"
        return f"{found}BETWEEN {self.first_id} AND {self.last_id} AND {self.breach.where.replace('{latest}', latest)}"


class Tally:
    """All breaches so far, by check, place, path and what was expected there."""

    def __init__(self) -> None:
        self._hits: dict[tuple[str, str, str, str], Hits] = {}

    def add(self, place: Place, row_id: int, breach: Breach) -> None:
        """Count a breach in one row."""
        key = (breach.check, str(place), breach.path, breach.expected)
        if key not in self._hits:
            self._hits[key] = Hits(place, breach)
        self._hits[key].add(row_id, breach.actual)

    def of(self, check: str, place: Place) -> Iterator[Hits]:
        """What one check found in one place."""
        return (each for key, each in self._hits.items() if key[:2] == (check, str(place)))


def shown(value: object) -> str:
    """A text from the database in quotes, without control characters and not at length."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + '…"'
