"""rlops cleanup on real servers: exactly the rows before the cutoff go, whatever happens meanwhile."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
import truth
from truth import TABLES

from rlops import packing

INTERACTIONS = TABLES[0]


def clean(database, *options, months=12, check=0):
    return database.cli("cleanup", "--months", str(months), "--yes", "--output", "json", *options, check=check).json


def test_exactly_the_rows_before_the_cutoff_go(migrated):
    truth.fill(migrated, "2024-01-01 00:00:00", "2025-02-28 23:59:59", "2025-03-01 00:00:00", "2026-03-31 10:00:00")
    others = [truth.rows(migrated, table) for table in TABLES[1:]]
    answer = clean(migrated, "--now", "2026-03-31T23:30:00")
    assert answer["data"]["cutoff"] == f"2025-03-01T00:00:00{truth.offset(migrated)}"
    assert answer["data"]["deleted_rows"] == 2
    assert [str(row[5]) for row in truth.rows(migrated, INTERACTIONS)] == ["2025-03-01 00:00:00", "2026-03-31 10:00:00"]
    assert [truth.rows(migrated, table) for table in TABLES[1:]] == others
    assert clean(migrated, "--now", "2026-03-31T23:30:00")["steps"] == []


def test_no_more_ids_are_asked_for_than_fit_into_one_value(migrated, monkeypatch):
    truth.fill(migrated, *[f"2024-01-01 00:00:{n % 60:02}" for n in range(300)], "2026-03-31 10:00:00", models=0)
    monkeypatch.setattr(packing, "MOST_BYTES", 10 * packing.LONGEST)
    answer = clean(migrated, "--no-archive", "--now", "2026-03-31T23:30:00")
    assert answer["data"]["deleted_rows"] == 300
    assert answer["data"]["chunks"] > 30
    assert truth.count(migrated, INTERACTIONS) == 1


@pytest.mark.parametrize(
    ("now", "months", "cutoff"),
    [
        ("2028-02-29T12:00:00", 12, "2027-02-01"),
        ("2026-01-01T00:00:00", 1, "2025-12-01"),
        ("2026-12-31T23:59:59", 24, "2024-12-01"),
    ],
)
def test_the_cutoff_is_a_first_of_a_month(migrated, now, months, cutoff):
    truth.fill(migrated, f"{cutoff} 00:00:00", models=0, features=0)
    answer = clean(migrated, "--now", now, "--dry-run", months=months)
    assert answer["data"]["cutoff"] == f"{cutoff}T00:00:00{truth.offset(migrated)}"
    assert answer["data"]["expired_rows"] == 0


def test_the_cutoff_is_in_the_writers_time_zone_by_the_servers_clock(migrated):
    zone = "+13:00" if migrated.server.family != "oceanbase" else "+08:00"  # MariaDB knows no more
    with migrated.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.time_zone AS zone")
        before = cursor.fetchone()["zone"]
        try:
            cursor.execute("SET GLOBAL time_zone = %s", (zone,))
            cursor.execute("SELECT UTC_TIMESTAMP() AS now")
            local = cursor.fetchone()["now"] + timedelta(hours=int(zone[1:3]))
            answer = clean(migrated, "--dry-run", months=1)
        finally:
            cursor.execute("SET GLOBAL time_zone = %s", (before,))
    first = (local.replace(day=1) - timedelta(days=1)).replace(day=1)
    assert answer["data"]["cutoff"] == f"{first:%Y-%m-%d}T00:00:00{zone}"


def test_production_wants_the_schema_named_where_there_is_no_archive(database):
    database.install("production")
    truth.fill(database, "2020-01-01 00:00:00")
    before = truth.snapshot(database)
    refused = clean(database, "--no-archive", check=5)
    assert f"--confirm {database.name}" in refused["error"]["hint"]
    clean(database, "--no-archive", "--now", "2026-01-01", check=5)
    assert truth.snapshot(database) == before
    clean(database, "--no-archive", "--confirm", database.name)
    assert truth.count(database, INTERACTIONS) == 0


def test_a_dry_run_writes_nothing(migrated):
    truth.fill(migrated, "2020-01-01 00:00:00")
    before = truth.snapshot(migrated)
    shown = clean(migrated, "--dry-run")
    assert shown["data"]["expired_rows"] == 1
    assert "DELETE FROM user_product_interactions" in shown["steps"][-1]["sql"]
    assert truth.snapshot(migrated) == before


@pytest.mark.parametrize("months", ["0", "-1", "x"])
def test_months_below_one_are_a_usage_error(database, months):
    database.cli("cleanup", f"--months={months}", check=2)


def many(database, count=6000, old=5000):
    """`old` rows before 2021 and the rest of today, many of them with equal timestamps."""
    start = datetime(2020, 1, 1)
    stamps = [start + timedelta(seconds=n // 7) for n in range(old)] + [datetime.now()] * (count - old)
    truth.fill(database, *map(str, stamps), models=0, features=0)


def test_many_rows_with_equal_timestamps_go_in_chunks(migrated):
    many(migrated)
    answer = clean(migrated)
    assert answer["data"]["deleted_rows"] == 5000
    assert answer["data"]["chunks"] > 1
    assert truth.count(migrated, INTERACTIONS) == 1000


def test_a_locked_row_is_waited_for_and_then_reported_with_what_was_done(migrated):
    many(migrated, 300, 200)
    blocker = migrated.connect(autocommit=False)
    with blocker.cursor() as cursor:
        cursor.execute("SELECT id FROM user_product_interactions ORDER BY id LIMIT 1 FOR UPDATE")
    answer = clean(migrated, "--retry-for", "2", check=6)
    assert answer["status"] == "blocked"
    assert answer["data"]["deleted_rows"] == 0
    blocker.rollback()
    assert truth.count(migrated, INTERACTIONS) == 300
    assert clean(migrated)["data"]["deleted_rows"] == 200


def test_ctrl_c_finishes_the_chunk_and_a_rerun_finishes_the_rest(migrated):
    many(migrated, 6000, 5000)
    blocker = migrated.connect(autocommit=False)
    with blocker.cursor() as cursor:  # holds the run up in its first chunk, so that the signal comes in mid-run
        cursor.execute("SELECT id FROM user_product_interactions ORDER BY id LIMIT 1 FOR UPDATE")
    command = [
        sys.executable,
        "-m",
        "rlops",
        "cleanup",
        "--months",
        "12",
        "--yes",
        "--output",
        "json",
        *migrated.options,
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=migrated.home, text=True
    ) as process:
        assert any("lock" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        blocker.rollback()
        stdout = process.stdout.read()
    assert process.returncode == 130, stdout
    left = truth.count(migrated, INTERACTIONS)
    assert 1000 <= left <= 6000
    clean(migrated)
    assert truth.count(migrated, INTERACTIONS) == 1000
