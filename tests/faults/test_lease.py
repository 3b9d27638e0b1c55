"""The run lock as a lease, where GET_LOCK can't be it: seekdb here, clusters in tests/clusters."""

from __future__ import annotations

import pytest
import truth
from sessions import answer, begin, until

from rlops import lease

ROWS = 20_000
CLEANUP = ("cleanup", "--months", "12", "--yes", "--no-archive")


@pytest.fixture
def filled(database):
    if database.server.family != "oceanbase":
        pytest.skip("its run lock is GET_LOCK")
    database.install()
    truth.fill(database, "2099-01-01 00:00:00", models=0, features=0)
    truth.fill_many(database, ROWS, "2020-01-01 00:00:00", apart=1)
    return database


def under_way(database):
    return any(0 < row["done_rows"] < ROWS for row in database.query("SELECT done_rows FROM rlops_job"))


def test_a_killed_run_leaves_a_lease_that_the_next_one_takes_at_once(filled):
    process = begin(filled, *CLEANUP)
    until(lambda: under_way(filled), "it has deleted something")
    process.kill()
    process.communicate()
    assert answer(begin(filled, *CLEANUP))["data"]["resumed"]
    assert truth.count(filled, "user_product_interactions") == 1


def test_an_older_rlops_table_is_made_anew(filled):
    truth.execute(
        filled,
        f"DROP TABLE {lease.TABLE}",
        f"CREATE TABLE {lease.TABLE} (name VARCHAR(64) NOT NULL PRIMARY KEY, connection_id BIGINT NOT NULL, taken_at DATETIME(6))",
    )
    assert answer(begin(filled, *CLEANUP))["exit_code"] == 0
