"""A journal that somebody altered, emptied or damaged: said plainly, with the way out, and never a traceback."""

from __future__ import annotations

import pytest
import truth
from truth import TABLES

MODELS = TABLES[1]
AWAY = "rlops uninstall"


@pytest.fixture
def migrated(database):
    database.cli("migrate")
    return database


def test_a_journal_that_lacks_a_column_is_said_with_the_way_out(migrated):
    truth.execute(migrated, "ALTER TABLE rlops_run DROP COLUMN ticket", f"DROP TABLE {MODELS}")
    before = truth.tables(migrated)
    for command in ("migrate", "history"):
        error = migrated.cli(command, "--output", "json", check=1).json["error"]
        assert "ticket" in error["message"]
        assert AWAY in error["hint"]
    assert truth.tables(migrated) == before
    migrated.cli("uninstall", "--confirm", migrated.name)
    migrated.cli("migrate")
    assert set(TABLES) <= truth.tables(migrated)


def test_a_journal_that_the_engine_can_not_read_is_said_and_uninstall_removes_it(migrated):
    if migrated.server.family == "oceanbase":
        pytest.skip("it has no tablespaces to discard")
    truth.execute(migrated, "ALTER TABLE rlops_state DISCARD TABLESPACE")
    for command in ("migrate", "verify"):
        assert AWAY in migrated.cli(command, "--output", "json", check=1).json["error"]["hint"]
    refused = migrated.cli("uninstall", "--environment", "development", "--yes", "--output", "json", check=5).json
    assert "--confirm" in refused["error"]["hint"]  # what can't be read may say production
    migrated.cli("uninstall", "--confirm", migrated.name)
    migrated.cli("migrate")


@pytest.mark.parametrize("expect", ["no JSON", '[{"kind": "table", "table": "x", "later": 1}]', '{"kind": "table"}'])
@pytest.mark.parametrize("run", ["running", "failed"])
def test_an_open_step_of_another_version_is_settled_as_unknown(migrated, run, expect):
    """Also where its run could still be closed: a GRANT whose answer was lost, and which was carried out."""
    with migrated.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rlops_run (command, status, plan_hash, started_at, account, os_user, host, pid, connection_id,"
            " rlops_version) VALUES ('migrate', %s, 'x', UTC_TIMESTAMP(), 'a', 'b', 'c', 1, 999999999, '9.9')",
            (run,),
        )
        cursor.execute(
            "INSERT INTO rlops_step (run_id, seq, name, file, sql_text, sql_hash, expect, status, started_at)"
            " VALUES (LAST_INSERT_ID(), 1, 'something new', 'f', 's', 'h', %s, 'intent', UTC_TIMESTAMP())",
            (expect,),
        )
    answer = migrated.cli("migrate", "--output", "json").json
    assert "something new" in answer["notes"][0]
    assert truth.count(migrated, "rlops_step", "status = 'unknown'") == 1


def test_an_emptied_journal_is_begun_anew(migrated):
    truth.execute(migrated, "TRUNCATE TABLE rlops_step", "TRUNCATE TABLE rlops_state")
    answer = migrated.cli("migrate", "--output", "json").json
    assert [step["file"] for step in answer["steps"]] == ["migrate/020_record"]
    assert "Nothing to do" in migrated.cli("migrate").stdout


def test_a_ticket_that_is_longer_than_the_journal_keeps_is_refused_first(database):
    before = truth.tables(database)
    told = database.cli("migrate", "--ticket", "T" * 256, "--output", "json", check=2).json
    assert "255 characters" in told["error"]["message"]
    assert truth.tables(database) == before
    database.cli("migrate", "--ticket", "Ü" * 255)
    assert database.query("SELECT ticket FROM rlops_run") == [{"ticket": "Ü" * 255}]
