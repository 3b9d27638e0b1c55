"""The parts of monitor that need no server: days and windows, indexes, bytes a row, and what is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from rlops.errors import Exit
from rlops.ops.monitor.growth import DAYS, WINDOW, WINDOWS, bytes_per_row, whole_days, windows, writers_zone
from rlops.ops.monitor.indexes import counting_key, duration, needed_by, redundant_with, time_key
from rlops.ops.monitor.probe import Server
from rlops.plan import Answer
from rlops.render.views.monitor import verdict, view
from rlops.structure import parse_create_table

NOW = datetime(2026, 11, 22, 15, 30)
TODAY = datetime(2026, 11, 22)


@pytest.mark.parametrize(
    ("oldest", "days"),
    [
        (NOW - timedelta(days=400), DAYS),
        (TODAY - timedelta(days=DAYS), DAYS),
        (TODAY - timedelta(days=3), 3),
        (TODAY - timedelta(days=3) + timedelta(seconds=1), 2),
        (TODAY - timedelta(days=1), 1),
        (TODAY - timedelta(hours=23), None),
        (TODAY, None),
        (NOW + timedelta(days=2), None),
    ],
)
def test_whole_days(oldest: datetime, days: int | None) -> None:
    found = whole_days(oldest, NOW)
    if days is None:
        assert found is None
    else:
        assert found == (TODAY - timedelta(days=days), TODAY)


@pytest.mark.parametrize("days", range(1, DAYS + 1))
def test_windows_fall_on_all_times_of_the_day(days: int) -> None:
    spread = windows(TODAY - timedelta(days=days), TODAY)
    assert len(spread) == WINDOWS
    assert spread[-1][1] <= TODAY
    times = sorted((since - datetime(since.year, since.month, since.day)).total_seconds() for since, _ in spread)
    gaps = [after - before for before, after in zip(times, [*times[1:], times[0] + 86_400], strict=True)]
    assert max(gaps) <= 86_400 / WINDOWS + 2
    assert all(until - since == WINDOW for since, until in spread)


def sizes(**changed: Any) -> dict[str, Any]:
    whole = {"rows": 100_000, "rows_source": "COUNT(*)", "data_bytes": 30_000_000, "index_bytes": 20_000_000}
    return whole | {"file_bytes": 56_000_000, "free_bytes": 4_000_000} | changed


def test_bytes_per_row() -> None:
    assert bytes_per_row(sizes(), "mysql")[0] == 500
    lagging, source, _ = bytes_per_row(sizes(data_bytes=16_384, index_bytes=16_384), "mysql")
    assert (lagging, source) == (520, "size of the files less their free space, divided by COUNT(*)")
    assert bytes_per_row(sizes(file_bytes=None), "mariadb")[0] == 500
    for found in (
        bytes_per_row(None, "mysql"),
        bytes_per_row(sizes(rows=9), "mysql"),
        bytes_per_row(sizes(), "oceanbase"),
    ):
        assert found[0] is None
        assert found[2]


def test_writers_zone() -> None:
    server = Server("shop", "'a'@'%'", TODAY, TODAY + timedelta(hours=8, seconds=1), 1, True, False)
    assert writers_zone(server, "server").utcoffset(None) == timedelta(hours=8)
    assert writers_zone(server, "Europe/Berlin").utcoffset(NOW) == timedelta(hours=1)


TABLE = parse_create_table(
    """CREATE TABLE `user_product_interactions` (`id` bigint NOT NULL, `user_id` bigint NOT NULL, `a` varchar(50),
    `timestamp` datetime NOT NULL, PRIMARY KEY (`id`), UNIQUE KEY `u` (`a`,`id`), KEY `by_user` (`user_id`,`timestamp`),
    KEY `only_user` (`user_id`), KEY `by_time` (`timestamp`), KEY `by_time_too` (`timestamp`), KEY `a_only` (`a`),
    KEY `a_prefix` (`a`(10)), KEY `time_down` (`timestamp` DESC), KEY `a_time` (`a`,`timestamp`),
    CONSTRAINT `fk` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`)) ENGINE=InnoDB"""
)
INDEXES = {index.name: index for index in TABLE.indexes}


@pytest.mark.parametrize(
    ("name", "needed", "redundant"),
    [
        ("PRIMARY", "primary key", None),
        ("u", "unique key", None),
        ("by_user", "foreign key fk", None),
        ("only_user", "foreign key fk", "by_user"),
        ("by_time", "retention", None),
        ("by_time_too", "retention", "by_time"),
        ("a_only", None, "u"),
        ("a_prefix", None, None),
        ("a_time", None, None),
    ],
)
def test_indexes(name: str, needed: str | None, redundant: str | None) -> None:
    assert needed_by(TABLE, INDEXES[name]) == needed
    assert redundant_with(INDEXES[name], TABLE.indexes) == redundant


def test_rows_are_counted_by_an_index_that_is_needed_anyway() -> None:
    assert time_key(TABLE) == "by_time"
    assert needed_by(TABLE, INDEXES[counting_key(TABLE) or ""])
    bare = parse_create_table("CREATE TABLE t (id bigint NOT NULL, a int, PRIMARY KEY (id), KEY a (a))")
    assert counting_key(bare) == "PRIMARY"
    assert counting_key(parse_create_table("CREATE TABLE t (a int, KEY a (a))")) is None
    assert time_key(bare) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(9, "9 seconds"), (600, "10 minutes"), (7_300, "2 hours"), (999_999, "11 days")]
)
def test_duration(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def data(**growth: Any) -> dict[str, Any]:
    measured = {
        "rows_per_day": 500_123.4, "rows_per_day_estimated": True, "newest": datetime(2026, 11, 22, tzinfo=UTC),
        "bytes_per_row": 500.0, "bytes_per_row_source": "by statistics", "bytes_per_year": 90_000_000_000,
        "source": "sampled", "reason": None, "planned_rows_per_day": 500_000, "times_plan": 3.6,
        "planned_bytes_per_year": 25_000_000_000,
    } | growth  # fmt: skip
    table = sizes(name="user_product_interactions", rows=180_000_000, rows_estimated=True, sizes_estimated=True)
    index = {"table": "user_product_interactions", "columns": ["a", "b"], "reads": 0, "used": False}
    return {
        "tables": [table],
        "growth": measured,
        "indexes": [{**index, "name": "idx", "needed_by": None, "redundant_with": None}],
        "statements": [{"statement": "SELECT\n " * 99, "executions": 3, "total_seconds": 1.0, "mean_seconds": 0.3}],
        "foreign_keys": {"errors": {"source": "s", "child_refused": 2, "parent_refused": 0}},
        "probes": [
            {"name": "rows", "status": "ok", "source": "COUNT(*)", "needs": None},
            {"name": "file_sizes", "status": "denied", "source": "x", "needs": "GRANT PROCESS ON *.* TO 'a'@'%'"},
        ],
    }


def test_verdict() -> None:
    total = "56.0 MB on disk"
    assert verdict(data()) == f"{total}, growing at ~90.0 GB a year, 3.6 times the plan of 25.0 GB"
    below = data(times_plan=0.162, bytes_per_year=4_050_000_000)
    assert verdict(below) == f"{total}, growing at ~4.0 GB a year, 16.2% of the plan of 25.0 GB"
    unknown = data(bytes_per_year=None, reason="there are no interactions yet")
    assert verdict(unknown) == f"{total}; growth unknown: there are no interactions yet"


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_view(width: int) -> None:
    console = Console(width=width, markup=False, record=True, file=None, force_terminal=False)
    with console.capture() as shown:
        for part in view(Answer("monitor", Exit.FINDINGS, data())):
            console.print(part)
    text = shown.get()
    assert max(len(line) for line in text.splitlines()) <= width
    assert text.startswith("56.0 MB on disk")
    if width < 80:
        return
    for expected in ("~180,000,000", "~30.0 MB", "500,000", "no reads", "GRANT PROCESS ON *.*", "refused 2 rows"):
        assert expected in " ".join(text.split()), expected
