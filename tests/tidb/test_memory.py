"""What one DELETE of everything can't do within TiDB's memory for a statement, cleanup does in chunks."""

from __future__ import annotations

import pymysql
import pytest
import truth
from truth import TABLES

INTERACTIONS = TABLES[0]
QUOTA = 12_000_000  # bytes; TiDB's default is a gigabyte
OLD, NEW = 20_000, 10


@pytest.fixture
def little_memory(migrated):
    before = migrated.query("SELECT @@GLOBAL.tidb_mem_quota_query AS n")[0]["n"]
    truth.execute(migrated, f"SET GLOBAL tidb_mem_quota_query = {QUOTA}")
    yield migrated
    truth.execute(migrated, f"SET GLOBAL tidb_mem_quota_query = {before}")


def test_cleanup_stays_within_the_memory_of_a_statement(little_memory, root):
    database = little_memory
    for n in range(0, OLD, 2_000):
        truth.fill(
            database, *[f"2020-01-{n // 2_000 + 1:02} 00:00:{k % 60:02}" for k in range(2_000)], models=0, features=0
        )
    truth.fill(database, *["2099-01-01 00:00:00"] * NEW)
    with pytest.raises(pymysql.err.MySQLError, match="8175"):
        truth.execute(database, f"DELETE FROM {INTERACTIONS} WHERE `timestamp` < '2021-01-01'")
    assert truth.count(database, INTERACTIONS) == OLD + NEW
    answer = database.cli("cleanup", "--months", "12", "--to", str(root), "--yes", "--output", "json").json
    assert answer["data"]["deleted_rows"] == OLD
    assert truth.count(database, INTERACTIONS) == NEW
