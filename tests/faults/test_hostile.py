"""Servers that die, fill up, refuse or hold what nobody expected: rlops says so, changes nothing, or goes on."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from pathlib import Path

import pymysql
import pytest
import truth
from conftest import ShopDatabase, fill_shop
from scenarios import PlainDatabase
from sessions import Holder, answer, begin, ours, until
from truth import TABLES

from rlops.sandbox.server import RunningServer

__all__ = ["ours"]

INTERACTIONS, MODELS, FEATURES = TABLES
FULL = r"is full|No more room|Failed to set SDI .* 'innodb_system'"  # 1114; MariaDB's 1005; MySQL's 3664


@pytest.fixture
def filled(ours):
    ours.install()
    truth.fill(ours, *(f"2020-01-01 00:00:{n:02}" for n in range(40)))
    return ours


@pytest.fixture
def own(server, start_server, tmp_path):
    """`own(*options)`: a shop on a server for this test alone."""
    if not isinstance(server, RunningServer) or server.port is None:
        pytest.skip("wants MySQL or MariaDB of ours")

    def begin_own(*options: str) -> ShopDatabase:
        database = PlainDatabase(start_server(server.label, *options), f"t_{uuid.uuid4().hex[:12]}", tmp_path)
        fill_shop(database)
        return database

    return begin_own


def everything(database):
    """The schema but for rlops' own tables."""
    return {name: kept for name, kept in truth.snapshot(database).items() if not name.startswith("rlops_")}


def roll_back(database, *options, check=0):
    return database.cli("rollback", "--confirm", database.name, "--output", "json", *options, check=check).json


@pytest.mark.parametrize("crash", [False, True], ids=["restart", "kill -9"])
def test_the_server_goes_away_in_mid_cleanup(own, crash):
    database = own("--innodb-flush-log-at-trx-commit=1")
    database.install()
    truth.fill(database, *(f"2020-01-01 00:00:{n % 60:02}" for n in range(3000)), *["2099-01-01 00:00:00"] * 50)
    # The second chunk meets this lock, which the server's end releases.
    Holder(database, f"SELECT id FROM {INTERACTIONS} ORDER BY timestamp, id LIMIT 1 OFFSET 1500 FOR UPDATE")
    with begin(database, "cleanup", "--months", "12", "--yes") as process:
        assert any("lock" in line for line in process.stderr)
        if crash:
            database.server.kill9()
        database.server.restart()
        said = answer(process)
    assert said["exit_code"] == 0, said["error"]
    assert truth.count(database, INTERACTIONS) == 50
    assert said["data"]["deleted_rows"] == 3000
    journaled = database.query("SELECT status, affected_rows FROM rlops_step ORDER BY id DESC LIMIT 1")[0]
    assert (journaled["status"], journaled["affected_rows"]) == ("done", 3000)


def fill_up(database) -> list[str]:
    """Tables that leave no room for another one."""
    fillers = ["filler"]
    truth.execute(database, "CREATE TABLE filler (id BIGINT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)")
    with pytest.raises(pymysql.err.MySQLError, match="full"):
        while True:
            truth.execute(database, "INSERT INTO filler (text) VALUES (REPEAT('x', 40000))")
    with pytest.raises(pymysql.err.MySQLError, match=FULL):
        while True:
            truth.execute(database, f"CREATE TABLE filler{len(fillers)} (id BIGINT PRIMARY KEY)")
            fillers.append(f"filler{len(fillers)}")
    return fillers


def test_a_full_disk(own):
    """All tables in the system tablespace, which may not grow: what a full disk looks like to a statement (1114)."""
    database = own("--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M:autoextend:max:24M")
    fillers = fill_up(database)
    shop = {table: truth.rows(database, table) for table in ("users", "product")}
    told = database.cli("migrate", "--output", "json", check=1).json
    assert re.search(FULL, told["error"]["message"]), told["error"]
    assert re.search(r"step \d+ of \d+ .*Untouched: [\d-]+", told["error"]["message"]), told["error"]
    if database.server.version.startswith("10."):
        return  # MariaDB 10.11 can't even drop a table then (1114), so nothing can be mended without a larger disk
    truth.execute(database, *(f"DROP TABLE {filler}" for filler in fillers))
    if database.server.family == "mariadb":  # whose purge frees the space some time after the DROP
        until(lambda: database.cli("migrate", check=None).returncode == 0, "there is room again")
    database.cli("migrate")
    assert set(TABLES) <= truth.tables(database)
    assert {table: truth.rows(database, table) for table in shop} == shop


NEEDED = {
    "migrate": ("CREATE", "REFERENCES", "SELECT", "INSERT", "UPDATE"),
    "rollback": ("ALTER", "DROP", "CREATE", "INSERT", "SELECT"),
    "restore": ("ALTER", "DROP", "CREATE", "INSERT", "SELECT", "REFERENCES"),
    "cleanup": ("DELETE", "SELECT", "INSERT", "UPDATE"),
}
EVERY = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER")


@pytest.mark.parametrize("command", NEEDED)
def test_each_missing_privilege_is_named_before_anything_is_changed(ours, command):
    arguments = {
        "rollback": ["--confirm", ours.name],
        "cleanup": ["--months", "12", "--no-archive", "--confirm", ours.name],
    }.get(command, [])
    if command != "migrate":
        ours.cli("migrate")
        truth.fill(ours, "2020-01-01 00:00:00", "2099-01-01 00:00:00")
    if command == "restore":
        roll_back(ours)
    account = f"operator_{uuid.uuid4().hex[:8]}"
    before = everything(ours)
    truth.execute(ours, f"CREATE USER {account} IDENTIFIED BY 'secret'")
    secret = ours.home / "password"
    secret.write_text("secret")
    try:
        for lacking in NEEDED[command]:
            if lacking == "REFERENCES" and ours.server.family == "mariadb":
                continue  # which doesn't ask for it
            held = ", ".join(privilege for privilege in EVERY if privilege != lacking)
            truth.execute(ours, f"GRANT {held} ON {truth.quoted(ours.name)}.* TO {account}")
            told = ours.cli(
                command, *arguments, "--user", account, "--password-file", str(secret), "--output", "json", check=None
            )
            assert told.returncode == 4, (lacking, told.json["error"])
            assert lacking in told.json["error"]["message"] + told.json["error"]["hint"], told.json["error"]
            assert everything(ours) == before, lacking
            truth.execute(ours, f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account}")
    finally:
        truth.execute(ours, f"DROP USER {account}")


def test_a_server_that_is_read_only(own):
    database = own()
    database.cli("migrate")
    truth.fill(database, "2020-01-01 00:00:00")
    setting = "super_read_only" if database.server.family == "mysql" else "read_only"
    # MariaDB's stops no account with READ_ONLY ADMIN, and root has it.
    truth.execute(
        database, "CREATE USER operator IDENTIFIED BY 'secret'", f"GRANT ALL ON {database.name}.* TO operator",
        f"SET GLOBAL {setting} = 1",
    )  # fmt: skip
    secret = database.home / "password"
    secret.write_text("secret")
    before = truth.snapshot(database)
    account = ("--user", "operator", "--password-file", str(secret), "--confirm", database.name, "--output", "json")
    for command in (["rollback"], ["cleanup", "--months", "12", "--no-archive"]):
        told = database.cli(*command, *account, check=None)
        assert told.returncode == 5, told.stdout
        assert "read_only" in told.json["error"]["message"].lower(), told.json["error"]
        assert truth.snapshot(database) == before
    truth.execute(database, "SET GLOBAL read_only = 0")  # and super_read_only with it
    roll_back(database)


def test_the_defaults_that_a_server_gives_its_sessions(filled):
    read_only = "tx_read_only" if filled.server.family == "mariadb" else "transaction_read_only"
    defaults = {"sql_safe_updates": 1, "sql_select_limit": 2, "completion_type": 2, "max_join_size": 2, read_only: 1}
    before = filled.query(f"SELECT {', '.join(f'@@GLOBAL.{name} AS {name}' for name in defaults)}")[0]
    kept = {table: truth.rows(filled, table) for table in TABLES}
    truth.execute(filled, *(f"SET GLOBAL {name} = {value}" for name, value in defaults.items()))
    try:
        roll_back(filled)
        filled.cli("migrate")
        filled.cli("restore", "--merge", "--yes")
        history = filled.cli("history", "--output", "json").json["data"]["runs"]
    finally:
        truth.execute(filled, *(f"SET GLOBAL {name} = {value!r}" for name, value in before.items()))
    assert [(run["command"], run["status"]) for run in history[:3]] == [
        ("restore", "ok"), ("migrate", "ok"), ("rollback", "ok"),
    ]  # fmt: skip
    assert {table: truth.rows(filled, table) for table in TABLES} == kept


def test_the_name_of_a_backup_is_taken_for_many_seconds_to_come(filled):
    """By views, which are no backups and are in the way all the same."""
    now = filled.query("SELECT UTC_TIMESTAMP() AS now")[0]["now"]
    stamps = [f"{now + timedelta(seconds=second):%Y%m%d_%H%M%S}" for second in range(120)]
    truth.execute(filled, *(f"CREATE VIEW {MODELS}__backup_{stamp} AS SELECT id FROM users" for stamp in stamps))
    kept = {table: truth.rows(filled, table) for table in TABLES}
    told = filled.cli("rollback", "--confirm", filled.name, "--output", "json", check=None)
    live = set(TABLES) & truth.tables(filled)
    if told.returncode == 0:
        backup = told.json["data"]["backup"]
        assert {t["table"]: truth.rows(filled, t["backup_table"]) for t in backup["tables"]} == kept
    else:
        assert live == set(TABLES)
        assert {table: truth.rows(filled, table) for table in TABLES} == kept
        assert "__backup_" in told.json["error"]["message"]


def test_views_on_the_tables(filled):
    """A view stays, and works again after the restore; nothing stops in between."""
    truth.execute(filled, f"CREATE VIEW recent AS SELECT id FROM {INTERACTIONS}")
    roll_back(filled)
    with pytest.raises(pymysql.err.MySQLError):
        filled.query("SELECT * FROM recent")
    filled.cli("restore")
    assert len(filled.query("SELECT * FROM recent")) == 40


def test_triggers_on_the_tables_come_along_and_back(filled):
    truth.execute(filled, f"CREATE TRIGGER stamp BEFORE INSERT ON {MODELS} FOR EACH ROW SET NEW.created_by = 7")
    roll_back(filled)
    filled.cli("restore")
    truth.fill(filled, features=0, models=0)
    truth.execute(filled, f"INSERT INTO {MODELS} (model_name, algorithm_type, version) VALUES ('new', 'DQN', '9')")
    assert truth.count(filled, MODELS, "created_by = 7") == 1


def test_a_foreign_key_of_another_table(filled):
    """The servers take it along with the rename: the other table then refers to the backup. Nothing may be lost by it."""
    truth.execute(
        filled,
        "CREATE TABLE deployments (id INT PRIMARY KEY, model_id BIGINT,"
        f" CONSTRAINT fk_model FOREIGN KEY (model_id) REFERENCES {MODELS} (id))",
        f"INSERT INTO deployments SELECT 1, MIN(id) FROM {MODELS}",
    )
    definition, rows = truth.definition(filled, "deployments"), truth.rows(filled, "deployments")
    kept = {table: truth.rows(filled, table) for table in TABLES}
    told = filled.cli("rollback", "--confirm", filled.name, "--output", "json", check=None)
    assert truth.rows(filled, "deployments") == rows
    if told.returncode:
        assert told.returncode == 5
        assert "deployments" in told.json["error"]["message"]
        assert truth.definition(filled, "deployments") == definition
        return
    filled.cli("restore")
    assert truth.definition(filled, "deployments") == definition
    assert {table: truth.rows(filled, table) for table in TABLES} == kept


@pytest.mark.parametrize("command", ["rollback", "cleanup"])
def test_an_audit_log_that_can_not_be_written_stops_the_run_before_its_first_step(filled, command):
    before = everything(filled)
    arguments = ["--months", "12"] if command == "cleanup" else []
    told = filled.cli(
        command, *arguments, "--confirm", filled.name, "--audit-log", "/dev/full", "--output", "json", check=None
    )
    assert told.returncode == 1
    assert "audit log" in told.json["error"]["message"]
    assert "Applied: none" in told.json["error"]["message"], told.json["error"]
    assert everything(filled) == before


def write_plan(database, *command: str) -> Path:
    file = database.home / "plan.sql"
    database.cli(*command, "--dry-run", "--plan-out", str(file))
    return file


def test_an_edited_plan_is_refused(filled):
    before = everything(filled)
    file = write_plan(filled, "rollback")
    file.write_text(re.sub(r"RENAME TABLE", "RENAME  TABLE", file.read_text()))
    told = roll_back(filled, "--plan", str(file), check=5)
    assert told["error"]["code"] == "plan_edited"
    assert everything(filled) == before


def test_the_plan_of_another_state_is_refused(filled):
    file = write_plan(filled, "rollback")
    truth.execute(filled, f"DROP TABLE {MODELS}")
    before = everything(filled)
    told = roll_back(filled, "--plan", str(file), check=5)
    assert told["error"]["code"] == "plan_differs"
    assert everything(filled) == before


def test_a_plan_is_run_once(filled):
    file = write_plan(filled, "rollback")
    roll_back(filled, "--plan", str(file))
    before = everything(filled)
    told = filled.cli("rollback", "--confirm", filled.name, "--plan", str(file), "--output", "json", check=5)
    assert json.loads(told.stdout)["error"]["code"] == "plan_differs"
    assert everything(filled) == before


def test_two_runs_of_one_plan_at_once(filled):
    kept = {table: truth.rows(filled, table) for table in TABLES}
    file = write_plan(filled, "rollback")
    processes = [begin(filled, "rollback", "--confirm", filled.name, "--plan", str(file)) for _ in range(2)]
    answers = sorted((answer(process) for process in processes), key=lambda each: each["exit_code"])
    assert answers[0]["exit_code"] == 0
    assert answers[1]["exit_code"] in (5, 6), answers[1]["error"]
    until(lambda: not set(TABLES) & truth.tables(filled), "the tables are gone")
    backups = {
        table: [name for name in truth.tables(filled) if name.startswith(f"{table}__backup_")] for table in TABLES
    }
    assert {table: truth.rows(filled, names[0]) for table, names in backups.items() if len(names) == 1} == kept


@pytest.mark.parametrize("about", ["rows", "months", "users", "destination"])
def test_a_plan_is_held_to_what_its_long_steps_are_about(filled, root, about):
    attics = [f"{filled.name}_{each}" for each in "ab"]
    truth.execute(filled, *(f"CREATE DATABASE {attic}" for attic in attics))
    filled.cli("archive", "run", "--months", "6", "--to", str(root))
    before = everything(filled)
    reviewed, other = {
        "rows": [("seed", "--months", "1", "--rows", rows) for rows in ("100", "300")],
        "months": [("seed", "--rows", "100", "--months", months) for months in "12"],
        "users": [("archive", "erase", "--user", user) for user in "12"],
        "destination": [("rollback", "--backup", "copy", "--to-database", attic) for attic in attics],
    }[about]
    file = write_plan(filled, *reviewed)
    now = ("--plan", str(file), "--confirm", filled.name, "--output", "json")
    assert filled.cli(*other, *now, check=5).json["error"]["code"] == "plan_differs"
    assert everything(filled) == before
    filled.cli(*reviewed, *now)
    truth.execute(filled, *(f"DROP DATABASE {attic}" for attic in attics))
