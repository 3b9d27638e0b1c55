"""The parts of monitor that need no server: days and windows, indexes, evidence, forecast, bounds, thresholds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import monitor_sample
import pytest

from rlops.errors import Usage
from rlops.ops.monitor import partitions, statements, timeline, verdict
from rlops.ops.monitor.forecast import forecast
from rlops.ops.monitor.growth import DAYS, WINDOW, WINDOWS, whole_days, windows, writers_zone
from rlops.ops.monitor.indexes import counting_key, duration, needed_by, redundant_with, time_key
from rlops.ops.monitor.probe import Server
from rlops.ops.monitor.records import weigh
from rlops.ops.monitor.sizes import bytes_per_row
from rlops.snapshots import Snapshot
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


def taken(days_ago: float, reads: dict[str, int], evidence: dict[str, Any], started_days_ago: float = 100) -> Snapshot:
    body = {"source": "ps", "reads": reads, "evidence": evidence}
    return Snapshot(NOW - timedelta(days=days_ago), NOW - timedelta(days=started_days_ago), body)


def began(days_ago: float | None) -> dict[str, datetime | None]:
    return {"t": None if days_ago is None else NOW - timedelta(days=days_ago)}


DAY = 86_400.0


@pytest.mark.parametrize(
    ("last", "reads", "since", "expected"),
    [
        (None, 0, 9, (0, 9 * DAY)),  # nothing recorded: as old as the counters
        (None, 5, 9, (5, 0.0)),
        (None, 0, None, (0, 0.0)),  # nobody knows since when they count
        (taken(2, {"t.a": 0}, {"t.a": [0, 7 * DAY]}), 0, 9, (0, 9 * DAY)),  # seven days, and two more
        (taken(2, {"t.a": 5}, {"t.a": [5, 7 * DAY]}), 5, 9, (5, 9 * DAY)),  # read once, not since
        (taken(2, {"t.a": 5}, {"t.a": [5, 7 * DAY]}), 8, 9, (8, 0.0)),  # read again
        (taken(2, {"t.a": 0}, {"t.a": [0, 7 * DAY]}), 0, 1, (0, 8 * DAY)),  # a restart a day ago: that day alone counts
        (taken(2, {"t.a": 0}, {"t.a": [3, 7 * DAY]}), 4, 1, (7, 0.0)),
        (taken(2, {"t.a": 5}, {"t.a": [5, 7 * DAY]}), 0, 9, (5, 7 * DAY)),  # zeroed by nobody knows what
        (taken(2, {"t.b": 5}, {"t.b": [5, 0.0]}), 0, 9, (0, 0.0 + 0)),  # an index that is new since
    ],
)
def test_evidence_outlives_restarts_and_counts_no_time_that_was_lost(
    last: Any, reads: int, since: Any, expected: Any
) -> None:
    found = weigh(last, NOW, {"t.a": reads}, began(since), "ps")["t.a"]
    assert found == pytest.approx(expected)


def test_counters_of_another_kind_begin_anew() -> None:
    last = taken(2, {"t.a": 5}, {"t.a": [5, 7 * DAY]})
    assert weigh(last, NOW, {"t.a": 0}, began(None), "userstat")["t.a"] == (5, 7 * DAY)


def test_a_counter_that_fell_tells_of_all_of_its_table() -> None:
    last = taken(2, {"t.a": 0, "t.b": 9}, {"t.a": [0, 7 * DAY], "t.b": [9, 0.0]})
    found = weigh(last, NOW, {"t.a": 0, "t.b": 1}, began(9), "ps")
    assert found["t.a"] == (0, 7 * DAY), "what happened between the snapshot and the fall is not known"


def ahead(
    used: int, per_year: float | None, days_held: float = 100, disk: int | None = None, limit: int = 1_000
) -> Any:
    growth = {"bytes_per_year": per_year, "recorded": None, "reason": "why"}
    free = {"free_bytes": disk} if disk is not None else None
    oldest = NOW - timedelta(days=days_held)
    table = {"file_bytes": used, "data_bytes": 1, "index_bytes": 1}
    return forecast(table, growth, limit, disk=free, oldest=oldest, now=NOW, months=12)


def test_forecast() -> None:
    met = ahead(500, 3650.0)  # ten a day
    assert (met["days"], met["limit"], met["date"]) == (50, "planned", (NOW + timedelta(days=50)).date())
    assert ahead(500, 3650.0, disk=100)["limit"] == "disk"
    assert ahead(500, 3650.0, disk=100)["days"] == 10
    off = ahead(500, 365.0)  # one a day: 295 days until the oldest row goes
    assert off["days"] is None
    assert off["levels_off_at_bytes"] == pytest.approx(795, abs=2)
    late = ahead(500, 365.0, days_held=800)
    assert (late["days"], late["levels_off"]) == (500, None), "a retention that is late levels nothing off"
    assert ahead(2_000, 365.0)["days"] == 0
    assert ahead(500, None)["reason"] == "why"
    assert ahead(500, 0.0)["days"] is None


def bound(name: str, text: str, method: str = "RANGE COLUMNS", expression: str = "`timestamp`") -> Any:
    return {"name": name, "method": method, "expression": expression, "bound": text}


def test_bounds_of_partitions() -> None:
    rows = [
        bound("a", "'2026-10-01'"),
        bound("b", "'2026-11-01 00:00:00'"),
        bound("c", "'2027-02-01'"),
        bound("z", "MAXVALUE"),
    ]
    found = partitions.read_bounds(rows)
    assert found is not None
    assert [(each.begins, each.ends) for each in found][1] == (datetime(2026, 10, 1), datetime(2026, 11, 1))
    assert found[-1].catch_all
    assert partitions.months_ahead(found, NOW) == 2
    assert partitions.months_ahead(found, datetime(2027, 3, 1)) == -2
    assert [each.name for each in partitions.gaps(found)] == ["c"], "from November to January in one"
    assert partitions.read_bounds([bound("a", "738000", "RANGE", "to_days(`timestamp`)")]) is None
    assert partitions.read_bounds([bound("a", "'2026-10-01',5", expression="`timestamp`,`id`")]) is None
    assert partitions.months_ahead([partitions.Bounds("z", None, None, True)], NOW) == -1
    assert partitions.next_month(datetime(2026, 12, 1)) == datetime(2027, 1, 1)


@pytest.mark.parametrize(
    ("oldest", "months", "days"),
    [
        (datetime(2025, 11, 1), 0, 0),  # midnight of the cutoff itself stays
        (datetime(2025, 10, 31, 23, 59, 59), 1, 21),  # could go on the first of this month
        (datetime(2025, 8, 5), 3, 82),
    ],
)
def test_what_retention_owes(oldest: datetime, months: int, days: int) -> None:
    rows = [{"month": f"{at:%Y-%m}", "rows": 5, "rows_estimated": False} for at in timeline._months(oldest, NOW)]
    found = timeline._due("", oldest, rows, NOW, keep=12, zone=UTC)
    assert (found["months_due"], found["days_late"]) == (months, days)
    assert found["rows_due"] == 5 * months


def crossed(check: str, **changed: Any) -> str | None:
    found = [each["level"] for each in monitor_sample.judged(**changed)["findings"] if each["check"] == check]
    return found[0] if found else None


def test_thresholds() -> None:
    sample = monitor_sample
    for times, expected in ((0.9, None), (1.0, None), (1.01, "warning"), (10.5, "critical")):
        assert crossed("growth_times_plan", growth=sample.growth(times_plan=times)) == expected
    base = sample.data()["partitions"]
    for months, expected in ((3, None), (2, "warning"), (0, "critical"), (-1, "critical")):
        assert crossed("months_ahead", partitions=base | {"months_ahead": months}) == expected
    assert crossed("catch_all_rows") == "warning"
    assert crossed("trigger") == "critical"
    assert crossed("index_unused") == "advice"


@pytest.mark.parametrize(("share", "expected"), [(0.69, None), (0.7, "warning"), (0.95, "critical")])
def test_ids_run_out(share: float, expected: str | None) -> None:
    counter = {"column": "id", "next": 1, "greatest": 2, "share": share, "source": ""}
    assert crossed("auto_increment_share", tables=[monitor_sample.sizes(auto_increment=counter)]) == expected


def test_thresholds_of_the_command_line() -> None:
    found = verdict.thresholds(monitor_sample.POLICY, ["days_to_limit=200,100", "history_list=5"])
    assert found.days_to_limit == (200, 100)
    assert found.history_list == (5, monitor_sample.POLICY.thresholds.history_list[1])
    for wrong in ("nothing=1", "history_list", "history_list=x", "history_list=1,2,3", "orphans=inf", "orphans=1,nan"):
        with pytest.raises(Usage):
            verdict.thresholds(monitor_sample.POLICY, [wrong])


def test_advice_alone_is_no_problem() -> None:
    calm = monitor_sample.judged(indexes=[monitor_sample.index()])
    only = [each for each in calm["findings"] if each["check"] == "index_unused"]
    assert verdict.level({**calm, "findings": only}) == "ok"
    assert verdict.level({**calm, "tables": []}) == "unknown"


def test_statements_are_chosen_by_each_kind() -> None:
    few = statements.chosen([monitor_sample.statement(scans=0)])
    assert [each["why"] for each in few] == [[]]
    many = [
        monitor_sample.statement(
            statement=str(n),
            total_seconds=n,
            executions=100 - n,
            mean_seconds=n % 7,
            scans=int(n == 50),
            rows_examined=10**6,
        )
        for n in range(60)
    ]
    found = {each["statement"]: each["why"] for each in statements.chosen(many)}
    assert "most time" in found["59"]
    assert "most often" in found["0"]
    assert found["50"] == ["scans"]
    assert "48" not in found
