"""Goes through the tables, newest rows first, and gathers what every check says."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import chain

from rlops import events, stop
from rlops.db import Database, Lost
from rlops.errors import Denied, Failed
from rlops.ops.data import orphans, whole
from rlops.ops.data.orphans import Orphans
from rlops.ops.data.report import Outcome, Report, outcome
from rlops.ops.data.rows import NOTED, Clock, Subject, breaches, subjects
from rlops.ops.data.scan import FULL, RECENT, Bounds, Range, further_down, newest_first
from rlops.ops.data.tally import Place, Tally
from rlops.sqlfiles import SqlFolder

STATEMENT_LIMIT = 10.0  # seconds; a chunk aims at a quarter of one


def examine(
    db: Database,
    sql: SqlFolder,
    rows: Mapping[str, int | None],
    *,
    full: bool = False,
    bounds: Bounds | None = None,
    further: Mapping[str, int] | None = None,
    emit: events.Emit = events.silent,
) -> Report:
    """Check the rows of the tables in `rows`, which exist and have about so many rows (for the progress bar).

    Without `full` (or other `bounds`) the newest rows of each table alone, within RECENT. With `further` orphans are
    looked for below them too, in each table from the id that it names, by default from where the newest rows ended.
    What can't be looked at is said and is no finding. Ctrl-C ends it after the chunk. Raises Lost when the connection
    breaks, Usage when a shape in policy.toml can't be understood.
    """
    bounds = bounds or (FULL if full else RECENT)
    clock = Clock(db, sql.policy.writers_time_zone)
    keys = orphans.of_each_key(sql, db.family)
    chosen = [each for each in subjects(sql.policy, clock) if each.table in rows]
    report, began = Report(), time.monotonic()
    with db.statement_limit(STATEMENT_LIMIT), stop.deferred() as request:
        for number, subject in enumerate(chosen, 1):
            name, table_began = f"check {subject.table}", time.monotonic()
            emit(events.StepStarted(number, len(chosen), name))
            look = _Look(db, sql, subject, keys[subject.table], clock)
            below = () if further is None else look.further(further.get(subject.table))
            for done in chain(look.chunks(bounds), below):
                total = _least(rows[subject.table], bounds.rows)
                rate = done / max(0.001, time.monotonic() - table_began)
                emit(events.Progress(name, done, total, rate))
                if request.requested:
                    break
            report.ranges.append(look.seen)
            report.further += [look.below] if look.below.last_id is not None or look.below.complete else []
            report.outcomes += look.outcomes(f"{clock.latest:%Y-%m-%d %H:%M:%S}")
            report.interrupted = request.requested
            status = "interrupted" if report.interrupted else "done"
            emit(events.StepEnded(number, len(chosen), name, status, time.monotonic() - table_began))
            if report.interrupted:
                break
    report.seconds = time.monotonic() - began
    return report


class _Look:
    """One table: its rows, chunk by chunk, then the table as a whole."""

    def __init__(self, db: Database, sql: SqlFolder, subject: Subject, keys: list[Orphans], clock: Clock) -> None:
        self.db, self.sql, self.subject, self.clock = db, sql, subject, clock
        self.keys = keys
        self.seen, self.below = Range(subject.table), Range(subject.table)
        self.tally = Tally()
        self.problems: dict[Place | None, Failed | Denied] = {}  # by the place that couldn't be looked at; None: all

    def chunks(self, bounds: Bounds) -> Iterator[int]:
        """Check the rows; yields the number of rows so far after each chunk. Raises Lost."""
        try:
            for chunk in newest_first(self.db, self.sql, self.subject.file, self.seen, bounds):
                self.clock.rows_were_read()
                for place, row_id, breach in breaches(self.subject.checks, chunk):
                    self.tally.add(place, row_id, breach)
                for key in self.keys:
                    self._orphans(key, chunk[-1]["id"], chunk[0]["id"])
                yield self.seen.rows
        except Lost:
            raise
        except Failed as problem:
            self.problems[None] = problem

    def further(self, until: int | None) -> Iterator[int]:
        """Look for orphans alone below the newest rows, from `until` down; yields as `chunks`. Raises Lost."""
        if not self.keys or self.seen.complete or self.seen.first_id is None:
            return
        try:
            ended = self.seen.first_id - 1
            for first, last in further_down(self.db, self.sql, self.below, min(until or ended, ended)):
                for key in self.keys:
                    self._orphans(key, first, last)
                if self.problems:
                    return
                yield self.seen.rows + self.below.rows
        except Lost:
            raise
        except Failed as problem:
            self.problems[None] = problem

    def _orphans(self, key: Orphans, since: int, until: int) -> None:
        if key.place in self.problems:
            return
        try:
            key.look(self.db, since, until, self.tally)
        except Lost:
            raise
        except Failed as problem:
            self.problems[key.place] = problem

    def outcomes(self, latest: str) -> Iterator[Outcome]:
        """What each check says; `latest` is the latest time that is not in the future."""
        places = [(name, check.place) for check in self.subject.checks for name in check.names]
        for name, place in (*places, *(("orphan", key.place) for key in self.keys)):
            hits = list(self.tally.of(name, place))
            problem = self.problems.get(place) or self.problems.get(None)
            found = () if name in NOTED else tuple(each.finding(latest) for each in hits)
            yield outcome(name, str(place), found, sum(each.rows for each in hits), problem)
        for name, place_name, check in whole.checks(self.subject.table):
            yield self._whole(name, place_name, check)

    def _whole(self, name: str, place: str, check: whole.Check) -> Outcome:
        try:
            found = tuple(check(self.db, self.sql))
        except Lost:
            raise
        except (Failed, Denied) as problem:
            return outcome(name, place, (), 0, problem)
        return outcome(name, place, found, 0, None)


def _least(*numbers: int | None) -> int | None:
    return min((number for number in numbers if number is not None), default=None)
