"""archive run and cleanup from end to end at the ends of months and years, on 29 February, and in nights when clocks change.

A DATETIME has no time zone: what is written is what is kept, also an hour that Berlin's clocks skipped or had twice.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import coldstore
import pytest
import truth
from test_archive import archive, live, policy, verify
from test_grant import Shop, accounts, run
from test_retention import whole
from truth import TABLES

INTERACTIONS = TABLES[0]
EDGES = [
    "2023-12-31 23:59:59", "2024-01-01 00:00:00", "2024-01-31 23:59:59", "2024-02-01 00:00:00", "2024-02-28 23:59:59",
    "2024-02-29 00:00:00", "2024-02-29 23:59:59", "2024-03-01 00:00:00",
    "2024-03-31 01:59:59", "2024-03-31 02:30:00", "2024-03-31 03:00:00",  # the hour that Berlin skipped
    "2024-03-31 23:59:59", "2024-04-01 00:00:00", "2024-09-30 23:59:59", "2024-10-01 00:00:00",
    "2024-10-27 01:59:59", "2024-10-27 02:30:00", "2024-10-27 02:30:00", "2024-10-27 03:00:00",  # and the one that came twice
    "2024-10-31 23:59:59", "2024-11-01 00:00:00", "2025-02-28 23:59:59", "2025-03-01 00:00:00",
    "2025-03-30 02:30:00", "2025-03-31 23:59:59", "2025-04-01 00:00:00", "2025-09-30 23:59:59", "2025-10-01 00:00:00",
]  # fmt: skip
# The writers' clock, and the first moment that isn't older than six and twelve whole months.
CLOCKS = [
    ("2025-02-28T23:59:59", "2024-08-01", "2024-02-01"),
    ("2025-03-01T00:00:00", "2024-09-01", "2024-03-01"),  # 29 February goes whole
    ("2025-03-30T02:30:00", "2024-09-01", "2024-03-01"),  # a time that Berlin didn't have
    ("2025-03-31T23:59:59", "2024-09-01", "2024-03-01"),  # six months before is no 31st
    ("2025-04-01T00:00:00", "2024-10-01", "2024-04-01"),
    ("2025-10-26T02:30:00", "2025-04-01", "2024-10-01"),  # a time that Berlin had twice
    ("2025-12-31T23:59:59", "2025-06-01", "2024-12-01"),
    ("2026-01-01T00:00:00", "2025-07-01", "2025-01-01"),
]


@pytest.fixture
def filled(database):
    database.install()
    truth.fill(database, *EDGES)
    return database


@contextmanager
def global_variable(database, name, value):
    (row,) = database.query(f"SELECT @@GLOBAL.{name} AS value")
    run(database, f"SET GLOBAL {name} = {value!r}")
    try:
        yield
    finally:
        run(database, f"SET GLOBAL {name} = {row['value']!r}")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Apia", "server"])
def test_rows_at_the_edges_go_on_their_day_and_come_back_as_they_were(filled, root, zone):
    offset = "+13:00" if filled.server.family != "oceanbase" else "+08:00"  # MariaDB knows no more
    wanted = policy(filled, writers_time_zone=f'"{zone}"')
    before = live(filled)

    def midnight(day):
        if zone == "server":
            return f"{day}T00:00:00{offset}"
        return datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).isoformat()

    with global_variable(filled, "time_zone", offset):
        for now, archived, deleted in CLOCKS:
            answer = archive(filled, root, *wanted, now=now)
            assert answer["data"]["until"] == midnight(archived)
            assert coldstore.rows(root) == [row for row in before if str(row[5]) < archived]
            command = (
                "cleanup",
                "--months",
                "12",
                "--to",
                str(root),
                "--now",
                now,
                "--yes",
                "--output",
                "json",
                *wanted,
            )
            data = filled.cli(*command, env={"TZ": "America/New_York"}).json["data"]
            assert (data["cutoff"], data["archived_rows"]) == (midnight(deleted), 0)
            assert live(filled) == [row for row in before if str(row[5]) >= deleted]
            whole(filled, root, before)
    for row in coldstore.dataset(root).to_pylist():  # each is in the folder of its own month
        assert (row["year"], row["month"]) == (row["timestamp"].year, row["timestamp"].month)
    verify(filled)


@pytest.mark.parametrize(
    ("clock", "zone", "deleted"),
    [
        ("2025-03-31 21:59:59", "Europe/Berlin", "2024-03-01"),  # 23:59:59 there, an hour more than in winter
        ("2025-03-31 22:00:00", "Europe/Berlin", "2024-04-01"),
        ("2025-10-31 22:59:59", "Europe/Berlin", "2024-10-01"),
        ("2025-10-31 23:00:00", "Europe/Berlin", "2024-11-01"),
        ("2025-03-01 04:59:59", "America/New_York", "2024-02-01"),
        ("2025-03-01 05:00:00", "America/New_York", "2024-03-01"),
        ("2024-02-29 23:30:00", "UTC", "2023-02-01"),
    ],
)
def test_midnight_is_the_writers_own_by_the_servers_clock(filled, root, tmp_path, clock, zone, deleted):
    """The server's clock is another one for the sessions of an ordinary account: each of them begins with SET timestamp."""
    wanted = policy(filled, writers_time_zone=f'"{zone}"')
    before = live(filled)
    epoch = int(datetime.fromisoformat(clock).replace(tzinfo=UTC).timestamp())
    command = (
        "cleanup",
        "--months",
        "12",
        "--to",
        str(root),
        "--yes",
        "--output",
        "json",
        "--environment",
        "development",
    )
    with accounts(filled, "'operator'@'%'"):
        run(filled, f"GRANT ALL ON `{filled.name}`.* TO 'operator'@'%'")
        with global_variable(filled, "init_connect", f"SET timestamp = {epoch}"):
            data = Shop(filled, tmp_path).rlops(*command, *wanted, user="operator").json["data"]
    assert data["cutoff"] == datetime.fromisoformat(deleted).replace(tzinfo=ZoneInfo(zone)).isoformat()
    assert live(filled) == [row for row in before if str(row[5]) >= deleted]
    assert coldstore.rows(root) == [row for row in before if str(row[5]) < deleted]
    whole(filled, root, before)


def test_a_clock_with_an_offset_is_refused(filled, root):
    before = truth.snapshot(filled)
    filled.cli("cleanup", "--months", "12", "--to", str(root), "--now", "2025-03-01T00:30:00+02:00", "--yes", check=2)
    assert truth.snapshot(filled) == before


ODD = ["0000-00-00 00:00:00", "0001-01-01 00:00:00", "2024-03-00 00:00:00", "9999-12-31 23:59:59"]


@pytest.mark.parametrize("when", ODD)
def test_a_date_that_no_calendar_has_stops_neither_monitor_nor_the_monthly_work(database, root, when):
    database.install()
    truth.fill(database, "2024-05-01 00:00:00")
    truth.execute(database, "SET sql_mode = ''", f"UPDATE {INTERACTIONS} SET timestamp = '{when}'")
    monitor = ("monitor", "--output", "json")
    assert database.cli(*monitor, check=None).json["error"] is None
    truth.fill(database, "2024-05-01 00:00:00", "2024-03-04 00:00:00", models=0, features=0)
    data = database.cli(*monitor, check=None).json["data"]
    readable = "-00 " not in when or when < "1000"
    assert data["growth"]["oldest"][:19] == ("2024-03-04T00:00:00" if readable else "2024-02-29T23:59:59")
    if readable:
        assert archive(database, root)["data"]["archived_rows"] == 2
    for command in (("archive", "run"), ("cleanup", "--months", "12", "--yes")):
        answer = database.cli(*command, "--to", str(root), "--output", "json", check=0 if readable else 1).json
        assert readable or answer["error"]["code"] == "unreadable_row"
        assert readable or "WHERE id = 1" in answer["error"]["hint"]


def test_chunks_may_end_with_a_date_that_no_calendar_has(database):
    database.install()
    truth.fill_many(database, 3000, "2024-03-01 00:00:00", apart=1)
    truth.execute(database, "SET sql_mode = ''", f"UPDATE {INTERACTIONS} SET timestamp = '2024-03-00 00:00:00'")
    answer = database.cli("cleanup", "--months", "12", "--no-archive", "--yes", "--output", "json").json
    assert answer["data"]["deleted_rows"] == 3000 and answer["data"]["chunks"] > 1
    assert truth.count(database, INTERACTIONS) == 0
