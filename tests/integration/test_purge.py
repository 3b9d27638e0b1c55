"""rlops purge on real servers: one parent's interactions go, all others stay, and what comes meanwhile is told."""

from __future__ import annotations

import pytest
import truth
from truth import TABLES

INTERACTIONS = TABLES[0]


def fill(database, counts, column="product_id"):
    """So many interactions of each parent, many with equal timestamps."""
    other = {"product_id": "user_id", "user_id": "product_id"}[column]
    rows = [
        (n % 20 + 1, parent, "VIEW", f"2025-01-01 00:{n // 7 % 60:02}:00")
        for parent, count in counts.items()
        for n in range(count)
    ]
    sql = f"INSERT INTO {INTERACTIONS} ({other}, {column}, interaction_type, timestamp) VALUES (%s, %s, %s, %s)"
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def purge(database, *options, check=0):
    return database.cli("purge", *options, "--yes", "--output", "json", check=check).json


@pytest.mark.parametrize("kind", ["user", "product"])
def test_exactly_one_parents_rows_go(migrated, kind):
    column = f"{kind}_id"
    fill(migrated, {3: 2600, 4: 50, 20: 1}, column)
    truth.fill(migrated, models=1, features=5)
    kept = [row for row in truth.rows(migrated, INTERACTIONS) if row[1 if kind == "user" else 2] != 3]
    others = [truth.rows(migrated, table) for table in TABLES[1:]]
    parents = truth.rows(migrated, "users"), truth.rows(migrated, "product")
    data = purge(migrated, f"--{kind}", "3")["data"]
    assert (data["deleted_rows"], data["late_rows"], data["left_rows"]) == (2600, 0, 0)
    assert data["chunks"] > 2
    assert truth.rows(migrated, INTERACTIONS) == kept
    assert [truth.rows(migrated, table) for table in TABLES[1:]] == others
    assert (truth.rows(migrated, "users"), truth.rows(migrated, "product")) == parents
    assert purge(migrated, f"--{kind}", "3")["steps"] == []


def test_a_dry_run_shows_the_statement_and_writes_nothing(migrated):
    fill(migrated, {3: 10})
    before = truth.snapshot(migrated)
    shown = migrated.cli("purge", "--product", "3", "--dry-run", "--output", "json").json
    assert "DELETE FROM user_product_interactions" in shown["steps"][0]["sql"]
    assert "`product_id` = 3" in shown["steps"][0]["sql"]
    assert shown["data"]["found_rows"] == 10
    assert truth.snapshot(migrated) == before


@pytest.mark.parametrize("options", [[], ["--user", "1", "--product", "2"], ["--user", "x"], ["--user", str(2**70)]])
def test_one_parent_is_to_be_named(migrated, options):
    migrated.cli("purge", *options, "--yes", check=2)


def test_production_wants_the_schema_named(database):
    database.install("production")
    fill(database, {3: 10})
    purge(database, "--product", "3", "--replica", "none", check=5)
    assert truth.count(database, INTERACTIONS) == 10
    purge(database, "--product", "3", "--replica", "none", "--confirm", database.name)
    assert truth.count(database, INTERACTIONS) == 0


def test_without_an_index_along_the_parent_it_refuses(migrated):
    if migrated.server.family == "oceanbase":
        pytest.skip("seekdb drops no index that it has made for a key")
    truth.execute(
        migrated,
        f"ALTER TABLE {INTERACTIONS} ADD INDEX other (product_id, reward), DROP INDEX idx_product_timestamp",
    )
    fill(migrated, {3: 10})
    refused = purge(migrated, "--product", "3", check=5)
    assert refused["error"]["code"] == "no_index"
    assert truth.count(migrated, INTERACTIONS) == 10


def test_rows_that_are_inserted_meanwhile_are_found_and_told(migrated):
    """A trigger on rlops' own job row inserts them, as exactly as a shop could between two chunks."""
    fill(migrated, {3: 2500})
    insert = f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, timestamp) VALUES (1, 3, 'VIEW', '2000-01-01')"
    truth.execute(
        migrated,
        "CREATE TRIGGER shop AFTER UPDATE ON rlops_job FOR EACH ROW"
        f" BEGIN IF OLD.done_rows = 0 AND NEW.done_rows > 0 THEN {insert}; {insert}; END IF; END",
    )
    data = purge(migrated, "--product", "3")["data"]
    assert (data["deleted_rows"], data["late_rows"], data["left_rows"]) == (2502, 2, 0)
    assert truth.count(migrated, INTERACTIONS) == 0


def test_a_shop_that_never_stops_inserting_does_not_hold_it_for_ever(migrated):
    fill(migrated, {3: 10})
    insert = f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, timestamp) VALUES (1, 3, 'VIEW', '2000-01-01')"
    truth.execute(migrated, f"CREATE TRIGGER shop AFTER UPDATE ON rlops_job FOR EACH ROW {insert}")
    answer = purge(migrated, "--product", "3")
    assert answer["data"]["late_rows"] == 2
    assert answer["data"]["left_rows"] == 1
    assert any("came since" in note for note in answer["notes"])


def test_a_user_without_interactions_is_nothing_to_do(migrated):
    answer = purge(migrated, "--user", "999999")
    assert answer["steps"] == []
    assert answer["data"]["deleted_rows"] == 0


def test_rows_dated_before_any_month_and_in_the_last_one_go_too(migrated):
    fill(migrated, {3: 1100, 4: 10}, "user_id")
    odd = {"0001-01-01": 1050} if migrated.server.family == "oceanbase" else {"0000-00-00": 1050, "2024-03-00": 1}
    update = f"UPDATE {INTERACTIONS} SET timestamp = '{{}}' WHERE user_id = 3 AND YEAR(timestamp) = 2025 LIMIT {{}}"
    truth.execute(
        migrated, "SET sql_mode = ''", *[update.format(*each) for each in {**odd, "9999-12-31 23:59:59": 1}.items()]
    )  # fmt: skip
    data = purge(migrated, "--user", "3")["data"]
    assert (data["deleted_rows"], data["left_rows"]) == (1100, 0)
    assert truth.count(migrated, INTERACTIONS) == 10
