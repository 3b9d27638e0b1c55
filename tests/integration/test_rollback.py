"""rlops rollback, backups and restore on real servers: every row is counted before and after."""

from __future__ import annotations

import pytest
import truth
from truth import TABLES


@pytest.fixture
def filled(database):
    database.install("production")
    truth.fill(database, *(f"2026-{month:02}-01 12:00:00" for month in range(1, 10)))
    return database


def roll_back(database, **options):
    return database.cli("rollback", "--confirm", database.name, "--output", "json", **options).json


def all_rows(database):
    return {table: truth.rows(database, table) for table in TABLES}


def test_every_row_is_kept_and_comes_back(filled):
    before = all_rows(filled)
    definitions = {table: truth.definition(filled, table) for table in TABLES}
    backup = roll_back(filled)["data"]["backup"]
    assert not set(TABLES) & truth.tables(filled)
    assert {t["table"]: t["rows"] for t in backup["tables"]} == {table: len(rows) for table, rows in before.items()}
    for table in backup["tables"]:
        assert truth.rows(filled, table["backup_table"]) == before[table["table"]]
        assert "FOREIGN KEY" not in truth.definition(filled, table["backup_table"])
    restored = filled.cli("restore", "--output", "json").json
    assert all_rows(filled) == before
    assert [table["orphans"] for table in restored["data"]["tables"]] == [0, 0, 0]
    assert {table: truth.definition(filled, table) for table in TABLES} == definitions
    assert filled.cli("verify", "--output", "json", check=None).json["data"]["tables"][0]["as_declared"]


def test_a_second_and_a_third_rollback_work(filled):
    ids = []
    for round_ in range(3):
        if round_:
            filled.cli("migrate")
            truth.fill(filled, "2026-03-01 00:00:00")
        ids.append(roll_back(filled)["data"]["backup"]["id"])
    assert len(set(ids)) == 3
    listed = filled.cli("backups", "list", "--output", "json").json["data"]["backups"]
    assert [backup["id"] for backup in listed] == ids[::-1]
    kept = [{table["table"]: table["rows"] for table in backup["tables"]}[TABLES[0]] for backup in listed]
    assert kept == [1, 1, 9]
    nothing = roll_back(filled)
    assert nothing["steps"] == []
    filled.cli("restore", ids[0])
    assert truth.count(filled, TABLES[0]) == 9


def test_production_wants_the_schema_named(filled):
    before = truth.snapshot(filled)
    refused = filled.cli("rollback", "--yes", "--output", "json", check=5).json
    assert f"--confirm {filled.name}" in refused["error"]["hint"]
    filled.cli("rollback", "--confirm", "another", check=5)
    shown = filled.cli("rollback", "--dry-run", "--output", "json").json
    assert [step["status"] for step in shown["steps"]] == ["planned"] * len(shown["steps"])
    assert truth.snapshot(filled) == before


def test_deleting_users_after_the_rollback_does_not_reach_the_backup(filled):
    backup = roll_back(filled)["data"]["backup"]
    truth.execute(filled, "DELETE FROM users WHERE id = 3", "DELETE FROM product WHERE id = 5")
    assert truth.count(filled, backup["tables"][0]["backup_table"]) == 9


def test_rows_without_a_parent_are_set_aside_and_the_rest_comes_back(filled):
    before = all_rows(filled)
    roll_back(filled)
    truth.execute(filled, "DELETE FROM users WHERE id IN (2, 3)", "DELETE FROM product WHERE id = 5")
    restored = filled.cli("restore", "--output", "json").json["data"]["tables"]
    aside = {table["table"]: table["set_aside"] for table in restored}
    for table, rows in before.items():
        orphans = truth.rows(filled, aside[table]) if aside[table] else []
        assert sorted(truth.rows(filled, table) + orphans, key=repr) == rows
        if table == TABLES[0]:
            assert {row[1] for row in orphans} <= {2, 3, *(row[1] for row in rows if row[2] == 5)}
            assert len(orphans) == sum(1 for row in rows if row[1] in (2, 3) or row[2] == 5) > 0
    assert filled.cli("verify", "--output", "json", check=None).json["data"]["tables"][0]["as_declared"]


def test_restore_does_not_replace_what_exists(filled):
    roll_back(filled)
    filled.cli("migrate")
    before = truth.snapshot(filled)
    assert filled.cli("restore", "--output", "json", check=5).json["error"]["code"] == "tables_exist"
    assert truth.snapshot(filled) == before


def test_restore_without_a_backup(database):
    assert database.cli("restore", "--output", "json", check=5).json["error"]["code"] == "no_backup"
    database.install("production")
    roll_back(database)
    assert (
        database.cli("restore", "20200101_000000", "--output", "json", check=2).json["error"]["code"]
        == "no_such_backup"
    )


def test_auto_increment_does_not_go_backwards(filled):
    truth.execute(filled, "DELETE FROM user_product_interactions WHERE id > 5")
    highest = max(row[0] for row in truth.rows(filled, TABLES[0]))
    roll_back(filled)
    filled.cli("restore")
    truth.fill(filled, "2026-05-05 00:00:00", models=0, features=0)
    assert max(row[0] for row in truth.rows(filled, TABLES[0])) >= highest + 5


def test_names_of_keys_that_the_server_made_are_dropped_too(database):
    """An adopted table's keys may be called TABLE_ibfk_N; a rename of the table renames them."""
    if database.server.family == "oceanbase":
        pytest.skip("OceanBase makes other names; covered by the rest")
    database.install("production")
    truth.execute(
        database,
        "ALTER TABLE user_context_features DROP FOREIGN KEY fk_user_context_features_user",
        "ALTER TABLE user_context_features ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE",
    )
    truth.fill(database, "2026-01-01 00:00:00")
    backup = roll_back(database)["data"]["backup"]
    assert all("FOREIGN KEY" not in truth.definition(database, table["backup_table"]) for table in backup["tables"])


def test_a_partly_missing_set_is_rolled_back_as_it_is(filled):
    truth.execute(filled, "DROP TABLE rl_model_metadata")
    backup = roll_back(filled)["data"]["backup"]
    assert [table["table"] for table in backup["tables"]] == [TABLES[0], TABLES[2]]


def test_an_interrupted_rollback_is_finished_by_the_next_and_migrate_says_so(filled):
    truth.execute(filled, "RENAME TABLE user_product_interactions TO user_product_interactions__backup_20260101_000000")
    kept = truth.rows(filled, "user_product_interactions__backup_20260101_000000")
    assert filled.cli("migrate", "--output", "json", check=5).json["error"]["code"] == "unfinished_rollback"
    roll_back(filled)
    assert "FOREIGN KEY" not in truth.definition(filled, "user_product_interactions__backup_20260101_000000")
    assert truth.rows(filled, "user_product_interactions__backup_20260101_000000") == kept
    filled.cli("migrate")
