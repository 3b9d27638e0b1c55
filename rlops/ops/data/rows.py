"""What each row is checked for: a subject a table, a small named check a column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rlops.clock import writers_now
from rlops.db import Database, Row
from rlops.ops.data.shapes import Breach, Breaches, checks_of, judge_text
from rlops.ops.data.tally import Place, shown
from rlops.ops.declared import FEATURES, INTERACTIONS, MODELS
from rlops.policy import Policy
from rlops.structure.model import literal

CLOCK_SKEW = timedelta(minutes=1)  # how far a writer's clock may be ahead of the server's

# A NULL reward is allowed by the table: not computed yet, perhaps. It is counted, and is no finding.
NOTED = ("no_reward",)


class Clock:
    """The latest time that is not in the future: the server's clock in the writers' time zone, and CLOCK_SKEW.

    In the hour that is repeated when daylight saving ends, rows of its first pass are up to an hour ahead of it.
    """

    def __init__(self, db: Database, time_zone: str) -> None:
        self._db, self._time_zone = db, time_zone
        self._fresh = False
        self.latest = datetime.min

    def rows_were_read(self) -> None:
        """From now on, rows may be younger than the time that was read last."""
        self._fresh = False

    def is_future(self, when: datetime) -> bool:
        """Whether a row that was read before has a time in the future. Asks the server when it must."""
        if when > self.latest and not self._fresh:
            self.latest = writers_now(self._db, self._time_zone) + CLOCK_SKEW
            self._fresh = True
        return when > self.latest


@dataclass(frozen=True)
class RowCheck:
    """One look at one column of a row; `names` are the checks whose breaches it can tell."""

    names: tuple[str, ...]
    place: Place
    judge: Callable[[Row], Breaches]


@dataclass(frozen=True)
class Subject:
    """A table, the file that reads its rows and what they are checked for."""

    table: str
    file: str
    checks: tuple[RowCheck, ...]


def subjects(policy: Policy, clock: Clock) -> tuple[Subject, ...]:
    """The three tables. Raises Usage when a shape in policy.toml can't be understood."""
    return (
        Subject(
            INTERACTIONS,
            "data/020_interactions",
            (
                _listed("interaction_type", INTERACTIONS, "interaction_type", tuple(policy.rewards)),
                _reward(policy),
                _shape(policy, INTERACTIONS, "context"),
                _time(clock, INTERACTIONS, "timestamp"),
            ),
        ),
        Subject(
            MODELS,
            "data/030_models",
            (
                _listed("algorithm", MODELS, "algorithm_type", policy.models.algorithms),
                _shape(policy, MODELS, "performance_metrics"),
                _time(clock, MODELS, "training_date"),
                _time(clock, MODELS, "created_at"),
            ),
        ),
        Subject(
            FEATURES,
            "data/040_features",
            (_shape(policy, FEATURES, "feature_vector"), _time(clock, FEATURES, "last_updated")),
        ),
    )


def _listed(name: str, table: str, column: str, words: tuple[str, ...]) -> RowCheck:
    # Compared byte by byte, as the code that reads them does; the column's collation would take view for VIEW.
    known = frozenset(words)
    where = f"CAST(`{column}` AS BINARY) NOT IN ({', '.join(map(literal, words))})"
    expected = "one of " + ", ".join(words)

    def judge(row: Row) -> Breaches:
        value = row[column]
        return () if value in known else (Breach(name, "", expected, shown(value), where),)

    return RowCheck((name,), Place(table, column), judge)


def _reward(policy: Policy) -> RowCheck:
    rewards = policy.rewards

    def judge(row: Row) -> Breaches:
        kind, actual = row["interaction_type"], row["reward"]
        wanted = rewards.get(kind)
        if actual == wanted or wanted is None:  # an unknown type has no reward to compare with
            return ()
        if actual is None:
            return (Breach("no_reward", "", "a reward", "NULL"),)
        where = f"CAST(`interaction_type` AS BINARY) = {literal(kind)} AND `reward` <> {wanted}"
        return (Breach("reward", "", f"{wanted} for {kind}", str(actual), where),)

    return RowCheck(("reward", "no_reward"), Place(INTERACTIONS, "reward", ("interaction_type", "reward")), judge)


def _shape(policy: Policy, table: str, column: str) -> RowCheck:
    spec = policy.shapes.get(column, {})
    judge = judge_text(spec, column)
    return RowCheck(tuple(checks_of(spec)), Place(table, column), lambda row: judge(row[column]))


def _time(clock: Clock, table: str, column: str) -> RowCheck:
    def judge(row: Row) -> Breaches:
        when = row[column]
        if isinstance(when, datetime):
            if clock.is_future(when):
                return (Breach("future", "", "not in the future", str(when), f"`{column}` > '{{latest}}'"),)
        elif isinstance(when, str):  # the driver makes no date of 0000-00-00
            return (Breach("no_date", "", "a date", shown(when)),)
        return ()

    return RowCheck(("future", "no_date"), Place(table, column), judge)


def breaches(checks: tuple[RowCheck, ...], rows: list[Row]) -> Iterator[tuple[Place, int, Breach]]:
    """Every breach in these rows."""
    for check in checks:
        judge = check.judge
        for row in rows:
            for breach in judge(row):
                yield check.place, row["id"], breach
