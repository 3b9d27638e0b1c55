"""kill -9 in mid-work on TiDB: the same command, typed again, ends it, and every row lives or is archived, once."""

from __future__ import annotations

import signal
import time

import coldstore
import pytest
import truth
from sessions import begin, until
from truth import TABLES

from rlops.lease import SECONDS

INTERACTIONS = TABLES[0]
OLD, NEW = 6_000, 50


def whole(database, root):
    """Each id with the places where it is."""
    live = [row[0] for row in truth.rows(database, INTERACTIONS)]
    return live, [row[0] for row in coldstore.rows(root)]


@pytest.mark.parametrize("left", [5_500, 3_000, 500])
def test_every_row_lives_or_is_archived_once_after_a_kill_in_mid_cleanup(migrated, root, left):
    stamps = [f"2020-0{n % 3 + 1}-10 00:00:{n % 60:02}" for n in range(OLD)] + ["2099-01-01 00:00:00"] * NEW
    truth.fill(migrated, *stamps)
    everything = {row[0] for row in truth.rows(migrated, INTERACTIONS)}
    migrated.cli("archive", "run", "--to", str(root))
    with begin(migrated, "cleanup", "--months", "12", "--yes") as process:
        until(lambda: truth.count(migrated, INTERACTIONS) < left + NEW, "rows go")
        process.send_signal(signal.SIGKILL)
    live, archived = whole(migrated, root)
    assert set(live) | set(archived) == everything
    migrated.cli("cleanup", "--months", "12", "--yes", "--retry-for", str(SECONDS + 10))
    live, archived = whole(migrated, root)
    assert (len(live), len(archived)) == (NEW, OLD)
    assert not set(live) & set(archived)
    assert set(live) | set(archived) == everything
    assert coldstore.problems(root) == []
    migrated.cli("archive", "verify")


def test_a_lease_of_a_killed_run_is_taken_over_at_once(migrated):
    truth.fill(migrated, *["2020-01-01 00:00:00"] * 3_000)
    blocker = migrated.connect(autocommit=False)
    with blocker.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {INTERACTIONS} ORDER BY id LIMIT 1 FOR UPDATE")
    with begin(migrated, "cleanup", "--months", "12", "--no-archive", "--yes") as process:
        assert any("lock" in line for line in process.stderr)
        process.send_signal(signal.SIGKILL)
    blocker.rollback()
    began = time.monotonic()
    migrated.cli("cleanup", "--months", "12", "--no-archive", "--yes", "--retry-for", "25")
    assert time.monotonic() - began < SECONDS
    assert truth.count(migrated, INTERACTIONS) == 0
