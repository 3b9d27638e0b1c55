"""An upgrade from a sample folder: a fresh create and an upgrade end in the same structure, and the rows survive."""

from __future__ import annotations

import re
import shutil

import pytest
import truth
from truth import TABLES

from rlops import sqlfiles

COLUMN = "  `locale` VARCHAR(10) NULL DEFAULT NULL COMMENT 'Language of the page',\n"
STATEMENTS = {
    "mysql": "ALTER TABLE `user_product_interactions` ADD COLUMN `locale` VARCHAR(10) NULL DEFAULT NULL"
    " COMMENT 'Language of the page' AFTER `reward`, ALGORITHM=INPLACE",
    "oceanbase": "ALTER TABLE `user_product_interactions` ADD COLUMN `locale` VARCHAR(10) NULL DEFAULT NULL"
    " COMMENT 'Language of the page' AFTER `reward`",
}
DONE = (
    "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
    " AND TABLE_NAME = 'user_product_interactions' AND COLUMN_NAME = 'locale'"
)


@pytest.fixture
def newer(tmp_path, database):
    """A SQL folder of version 1.4, whose interactions have one column more."""
    root = tmp_path / "sql"
    shutil.copytree(sqlfiles.default_root(), root)
    policy = root / "policy.toml"
    policy.write_text(policy.read_text().replace('schema_version = "1.3"', 'schema_version = "1.4"'))
    for path in root.glob("create/010_*.sql"):
        path.write_text(path.read_text().replace("  PRIMARY KEY (`id`),\n", COLUMN + "  PRIMARY KEY (`id`),\n", 1))
    write_upgrade(root, database.server.family)
    return root


def write_upgrade(root, family, algorithm=None, statement=None):
    folder = root / "upgrade" / "1.3--1.4"
    folder.mkdir(parents=True, exist_ok=True)
    algorithm = algorithm or ("copy" if family == "oceanbase" else "inplace")
    statement = statement or STATEMENTS.get(family, STATEMENTS["mysql"])
    (folder / "010_locale.sql").write_text(
        "-- Add the page's language to the interactions.\n-- kind: write\n-- needs: ALTER on user_product_interactions\n"
        f"-- locks: the table, for a moment\n-- algorithm: {algorithm}\n-- table: user_product_interactions\n"
        f"-- done: {DONE}\n{statement};\n"
    )


def test_an_upgrade_ends_where_a_fresh_create_does_and_keeps_the_rows(database, make_database, newer):
    database.cli("migrate")
    truth.fill(database, "2026-01-01 00:00:00", "2026-02-02 00:00:00")
    rows = truth.rows(database, TABLES[0])
    options = ("--sql-dir", str(newer))
    assert database.cli("migrate", "--check", *options, "--output", "json", check=3).json["steps"]
    upgraded = database.cli("migrate", *options)
    assert "1 upgrade applied; schema version 1.4" in upgraded.stdout
    assert "Nothing to do: all tables are as declared; schema version 1.4" in database.cli("migrate", *options).stdout
    assert [row[:-1] for row in truth.rows(database, TABLES[0])] == rows
    fresh = make_database("upgrade_fresh")
    fresh.cli("migrate", *options)
    for table in TABLES:
        upgraded, created = (
            re.sub(r" AUTO_INCREMENT=\d+| AUTO_INCREMENT = \d+", "", truth.definition(d, table))
            for d in (database, fresh)
        )
        assert upgraded.replace(database.name, "NAME") == created.replace(fresh.name, "NAME")
    assert database.cli("migrate", *options, "--output", "json").json["steps"] == []
    assert database.cli("verify", *options, "--output", "json", check=None).json["data"]["tables"][0]["as_declared"]


def test_upgrades_that_lead_in_a_circle_are_refused(database, newer):
    database.cli("migrate")
    policy = newer / "policy.toml"
    policy.write_text(policy.read_text().replace('schema_version = "1.4"', 'schema_version = "1.5"'))
    shutil.copytree(newer / "upgrade" / "1.3--1.4", newer / "upgrade" / "1.4--1.3")
    before = truth.snapshot(database)
    error = database.cli("migrate", "--sql-dir", str(newer), "--output", "json", check=5).json["error"]
    assert (error["code"], "1.4--1.3, in a circle" in error["message"]) == ("no_upgrade", True)
    assert truth.snapshot(database) == before


def test_an_older_rlops_refuses_a_newer_installation(database, newer):
    database.cli("migrate", "--sql-dir", str(newer))
    before = truth.snapshot(database)
    assert database.cli("migrate", "--output", "json", check=5).json["error"]["code"] == "no_upgrade"
    assert truth.snapshot(database) == before


def test_an_applied_file_that_was_edited_is_refused_with_a_diff(database, newer):
    database.cli("migrate")
    database.cli("migrate", "--sql-dir", str(newer))
    family = database.server.family
    write_upgrade(
        newer, family, statement=STATEMENTS.get(family, STATEMENTS["mysql"]).replace("VARCHAR(10)", "VARCHAR(20)")
    )
    refused = database.cli("migrate", "--sql-dir", str(newer), "--output", "json", check=5).json["error"]
    assert refused["code"] == "upgrade_edited"
    assert "-ALTER TABLE" in refused["message"] and "+ALTER TABLE" in refused["message"]


def test_a_drift_in_another_table_is_still_refused(database, newer):
    database.cli("migrate")
    truth.execute(database, "ALTER TABLE rl_model_metadata ADD COLUMN extra INT")
    assert (
        database.cli("migrate", "--sql-dir", str(newer), "--output", "json", check=5).json["error"]["code"] == "differs"
    )


def test_a_large_copy_is_refused(database, newer):
    database.cli("migrate")
    truth.fill(database, "2026-01-01 00:00:00")
    write_upgrade(newer, database.server.family, algorithm="copy")
    if database.server.family == "oceanbase":
        pytest.skip("seekdb's size is 0 until its data is compacted")
    policy = newer / "policy.toml"
    policy.write_text(policy.read_text().replace("max_copy_bytes = 1_000_000_000", "max_copy_bytes = 1_000"))
    before = truth.snapshot(database)
    answer = database.cli("migrate", "--sql-dir", str(newer), "--output", "json", check=5).json
    assert answer["error"]["code"] == "copy_too_large"
    assert truth.snapshot(database) == before


def test_a_table_that_has_just_grown_is_large_although_the_servers_estimate_lags(database, newer):
    """MySQL 9.7 still says 98,304 bytes 16 s after 130,000 rows came; the file's size is true at once."""
    if database.server.family == "oceanbase":
        pytest.skip("seekdb's size is 0 until its data is compacted")
    database.cli("migrate")
    truth.fill(database, "2026-01-01 00:00:00")
    columns = "user_id, product_id, interaction_type, session_id, context"
    double = f"INSERT INTO {TABLES[0]} ({columns}) SELECT {columns} FROM {TABLES[0]}"
    truth.execute(database, *[double] * 14)
    write_upgrade(newer, database.server.family, algorithm="copy")
    policy = newer / "policy.toml"
    policy.write_text(policy.read_text().replace("max_copy_bytes = 1_000_000_000", "max_copy_bytes = 1_000_000"))
    answer = database.cli("migrate", "--sql-dir", str(newer), "--output", "json", check=5).json
    assert answer["error"]["code"] == "copy_too_large"


def test_the_server_refuses_a_copy_that_calls_itself_in_place(database, newer):
    if database.server.family == "oceanbase":
        pytest.skip("OceanBase has no ALGORITHM clause")
    database.cli("migrate")
    write_upgrade(
        newer,
        "mysql",
        statement="ALTER TABLE `user_product_interactions` MODIFY COLUMN `session_id` BIGINT, ALGORITHM=INPLACE",
    )
    answer = database.cli("migrate", "--sql-dir", str(newer), "--output", "json", check=1).json
    assert "1846" in answer["error"]["message"] or "1845" in answer["error"]["message"]
    assert ".." not in answer["error"]["message"]
    assert "algorithm" in answer["error"]["hint"]
    assert [step["status"] for step in answer["steps"]] == ["failed", "untouched"]
