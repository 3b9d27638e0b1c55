"""rlops verify on real servers: no finding on a clean install, nothing written, trial rows that leave nothing."""

from __future__ import annotations

import re
import shutil

import pytest
import truth
from conftest import run_cli
from truth import TABLES

from rlops.sqlfiles import default_root


@pytest.fixture
def migrated(database):
    database.install("production")
    return database


def structure(answer):
    return [finding for finding in answer["data"]["findings"] if finding["check"] != "account"]


def test_a_clean_install_is_as_declared_and_shows_what_was_seen(migrated):
    truth.fill(migrated, "2026-01-01 00:00:00", "2026-01-02 00:00:00")
    answer = migrated.cli("verify", "--output", "json", check=None).json
    assert structure(answer) == []
    seen = {table["name"]: table for table in answer["data"]["tables"]}
    assert {name: table["rows"] for name, table in seen.items()} == dict(zip(TABLES, (2, 2, 3), strict=True))
    assert all(table["created"] and table["collation"].startswith("utf8mb4") for table in seen.values())


def test_verify_writes_nothing_and_a_missing_table_is_a_finding(database):
    before = truth.snapshot(database)
    answer = database.cli("verify", "--output", "json", check=3).json
    assert [finding["check"] for finding in structure(answer)] == ["table"] * 3
    assert truth.snapshot(database) == before


def test_smoke_tries_rows_and_leaves_nothing_behind(migrated):
    truth.fill(migrated, "2026-01-01 00:00:00")
    migrated.cli("verify", "--smoke", check=None)  # MariaDB moves the auto-increment by one, the first time only
    assert {table: truth.count(migrated, table) for table in TABLES} == dict(zip(TABLES, (1, 2, 3), strict=True))
    before = truth.snapshot(migrated)
    answer = migrated.cli("verify", "--smoke", "--output", "json", check=None).json
    assert structure(answer) == []
    assert len(answer["data"]["smoke"]) == 5
    assert all(trial["ok"] for trial in answer["data"]["smoke"])
    assert truth.snapshot(migrated) == before


@pytest.mark.parametrize("kind", ["INT UNSIGNED", "BIGINT UNSIGNED", "SMALLINT"])
def test_smoke_tries_ids_that_the_columns_can_hold(database, tmp_path, kind):
    root = tmp_path / "sql"
    shutil.copytree(default_root(), root)
    for path in root.glob("create/*.sql"):
        path.write_text(re.sub(r"(`(?:user|product)_id` )BIGINT", rf"\1{kind}", path.read_text()))
    for parent in ("users", "product"):
        truth.execute(database, f"ALTER TABLE {parent} MODIFY id {kind} AUTO_INCREMENT")
    database.cli("migrate", "--sql-dir", str(root))
    answer = database.cli("verify", "--smoke", "--sql-dir", str(root), "--output", "json", check=None).json
    assert [trial for trial in answer["data"]["smoke"] if not trial["ok"]] == []
    assert len(answer["data"]["smoke"]) == 5


def test_smoke_finds_a_missing_foreign_key(migrated):
    truth.execute(migrated, "ALTER TABLE user_product_interactions DROP FOREIGN KEY fk_user_product_interactions_user")
    answer = migrated.cli("verify", "--smoke", "--output", "json", check=3).json
    assert {"foreign_key", "smoke"} <= {finding["check"] for finding in structure(answer)}
    assert truth.count(migrated, TABLES[0]) == 0


def test_smoke_without_any_user_says_so(migrated):
    truth.execute(migrated, "DELETE FROM users")
    answer = migrated.cli("verify", "--smoke", "--output", "json", check=None).json
    assert any("no user exists" in note for note in answer["notes"])
    assert structure(answer) == []


def test_an_idle_transaction_does_not_stop_verify(migrated):
    connection = migrated.connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO rl_model_metadata (model_name, algorithm_type, version) VALUES ('x', 'DQN', '1')")
    answer = migrated.cli("verify", "--output", "json", check=None).json
    assert structure(answer) == []
    connection.rollback()


def test_a_trigger_that_nobody_declared_is_found(migrated):
    if migrated.server.family == "mysql":
        truth.execute(migrated, "SET GLOBAL log_bin_trust_function_creators = 1")
    truth.execute(migrated, "CREATE TRIGGER spy AFTER INSERT ON rl_model_metadata FOR EACH ROW SET @seen = 1")
    answer = migrated.cli("verify", "--output", "json", check=3).json
    assert [(finding["check"], finding["object"]) for finding in structure(answer)] == [
        ("trigger", "rl_model_metadata.spy")
    ]


def test_ids_that_run_out_are_found_without_looking_at_the_rows(migrated):
    if migrated.server.family == "oceanbase":
        pytest.skip("its counter is not in SHOW CREATE TABLE")
    truth.execute(migrated, f"ALTER TABLE {TABLES[0]} AUTO_INCREMENT = {2**63 - 1000}")
    (finding,) = structure(migrated.cli("verify", "--output", "json", check=3).json)
    assert (finding["check"], finding["object"]) == ("auto_increment", f"{TABLES[0]}.id")
    assert f"{2**63 - 1001:,}" in finding["actual"]


def test_a_table_whose_rows_can_not_be_read_is_a_finding(migrated):
    if migrated.server.family == "oceanbase":
        pytest.skip("it has no tablespaces to discard")
    truth.execute(migrated, "ALTER TABLE rl_model_metadata DISCARD TABLESPACE")
    for arguments in ((), ("--data",)):
        answer = migrated.cli("verify", *arguments, "--output", "json", check=3).json
        (finding,) = [each for each in structure(answer) if each["object"] == "rl_model_metadata"]
        assert (finding["check"], finding["expected"]) == ("rows", "readable")
        assert "1814" in finding["actual"]


def test_an_account_with_select_alone_learns_what_it_may_not_see(migrated):
    user = f"reader_{migrated.name[2:]}"
    truth.execute(
        migrated, f"CREATE USER '{user}'@'%' IDENTIFIED BY 'Reading-is-enough-1'",
        *(f"GRANT SELECT ON {truth.quoted(migrated.name)}.{table} TO '{user}'@'%'" for table in TABLES),
    )  # fmt: skip
    before = truth.snapshot(migrated)
    try:
        environment = {"RLOPS_USER": user, "RLOPS_PASSWORD": "Reading-is-enough-1"}
        options = [word for word in migrated.options if word not in ("--user", "root")]
        options = [word.replace("root@", "") for word in options]
        answer = run_cli("verify", *options, "--output", "json", home=migrated.home, env=environment, check=None).json
    finally:
        truth.execute(migrated, f"DROP USER '{user}'@'%'")
    assert structure(answer) == []
    assert any("triggers of rl_model_metadata: denied" in note for note in answer["notes"])
    assert truth.snapshot(migrated) == before
