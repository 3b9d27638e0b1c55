"""Backups where the disk is full, the server locked, a backup in use, or the schema of a copy gone."""

from __future__ import annotations

import re
import uuid

import pymysql
import pytest
import truth
from conftest import fill_shop, quoted
from scenarios import PlainDatabase
from sessions import Holder, answer, begin, ours, stopped, until
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
def elsewhere(filled):
    name = f"{filled.name}_copy"
    truth.execute(filled, f"CREATE DATABASE {quoted(name)}")
    yield name
    truth.execute(filled, f"DROP DATABASE IF EXISTS {quoted(name)}")


def roll_back(database, *options, check=0):
    return database.cli("rollback", "--yes", "--output", "json", *options, check=check).json


def whole(database):
    """Of each table every row, wherever it is kept in the schema."""
    found = {}
    for table in TABLES:
        names = [name for name in truth.tables(database) if name == table or name.startswith(f"{table}__")]
        found[table] = sorted((row for name in names for row in truth.rows(database, name)), key=repr)
    return found


LOCKS = {"mysql": "LOCK INSTANCE FOR BACKUP", "mariadb": "BACKUP STAGE START"}


@pytest.mark.parametrize("command", ["rollback", "restore"])
def test_a_backup_lock_changes_nothing_and_is_waited_for(filled, command):
    family = filled.server.family
    if command == "restore":
        roll_back(filled)
    before, names = whole(filled), truth.tables(filled)
    holder = Holder(filled, LOCKS[family], *(["BACKUP STAGE BLOCK_DDL"] if family == "mariadb" else []))
    try:
        stopped = answer(begin(filled, command, "--yes", "--retry-for", "2"))
        kept = truth.tables(filled)
    finally:
        holder.end()
    assert stopped["exit_code"] in (1, 6), stopped
    assert set(TABLES) & kept == set(TABLES) & names
    assert whole(filled) == before
    done = answer(begin(filled, command, "--yes"))
    assert done["exit_code"] == 0, done["error"]
    assert whole(filled) == before


def test_a_backup_that_somebody_reads_is_not_renamed_under_them(filled):
    backup = roll_back(filled)["data"]["backup"]["tables"][0]["backup_table"]
    before, names = whole(filled), truth.tables(filled)
    holder = Holder(filled, f"SELECT id FROM {backup} LIMIT 1")
    until(lambda: idle(filled, holder) >= 1, "the holder has been idle for a second")
    try:
        stopped = answer(begin(filled, "restore", "--retry-for", "2"))
    finally:
        holder.end()
    assert stopped["exit_code"] == 6, stopped
    assert (whole(filled), truth.tables(filled)) == (before, names)
    filled.cli("restore")
    assert whole(filled) == before
    assert set(TABLES) <= truth.tables(filled)


def idle(database, holder):
    return int(database.query("SELECT time FROM information_schema.PROCESSLIST WHERE id = %s", (holder.id,))[0]["time"])


def test_a_disk_that_fills_up_during_a_copy(server, start_server, tmp_path):
    """The rename has kept every row; the copy stops, says so, and goes on once there is room."""
    if not isinstance(server, RunningServer) or server.port is None:
        pytest.skip("wants MySQL or MariaDB of ours")
    if server.family == "mariadb":
        pytest.skip("it dies of a full system tablespace that holds its undo logs too, sooner or later")
    options = ("--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M:autoextend:max:64M")
    database = PlainDatabase(start_server(server.label, *options), f"t_{uuid.uuid4().hex[:12]}", tmp_path)
    fill_shop(database)
    database.install()
    truth.fill(database, *(f"2020-01-01 00:00:{n % 60:02}" for n in range(20000)))
    truth.execute(
        database,
        "CREATE DATABASE elsewhere",
        "CREATE TABLE filler (id BIGINT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)",
    )
    truth.execute(database, "CREATE TABLE room (id BIGINT AUTO_INCREMENT PRIMARY KEY, text LONGTEXT)")
    for _ in range(200):
        truth.execute(database, "INSERT INTO room (text) VALUES (REPEAT('x', 40000))")
    with pytest.raises(pymysql.err.MySQLError, match=FULL):
        while True:
            truth.execute(database, "INSERT INTO filler (text) VALUES (REPEAT('x', 40000))")
    truth.execute(database, "DROP TABLE room")  # enough for the records, not for the copy
    kept = whole(database)
    told = roll_back(database, "--backup", "copy", "--to-database", "elsewhere", check=1)
    assert re.search(FULL, told["error"]["message"]), told["error"]
    assert "Applied: 1-" in told["error"]["message"]
    assert not set(TABLES) & truth.tables(database)
    assert whole(database) == kept
    truth.execute(database, "DROP TABLE filler")
    roll_back(database)
    listed = database.cli("backups", "list", "--output", "json").json["data"]["backups"][0]
    assert listed["state"] == "copied"
    for each in listed["tables"]:
        rows = database.query(f"SELECT * FROM elsewhere.{each['backup_table']}")
        assert sorted((tuple(row.values()) for row in rows), key=repr) == kept[each["table"]]


def test_the_schema_of_an_unfinished_copy_is_gone(filled, elsewhere):
    """Nothing that can be done about it; the backup itself is whole, and no later rollback fails over it."""
    roll_back(filled, "--backup", "copy", "--to-database", elsewhere)
    truth.execute(
        filled, "UPDATE rlops_backup SET state = 'kept', progress = NULL", f"DROP DATABASE {quoted(elsewhere)}"
    )
    assert roll_back(filled)["steps"] == []
    filled.cli("restore")
    assert truth.count(filled, INTERACTIONS) == 40


def test_a_copy_that_was_dropped_is_made_anew(filled, elsewhere):
    backup = roll_back(filled, "--backup", "copy", "--to-database", elsewhere)["data"]["backup"]
    name = backup["tables"][0]["backup_table"]
    progress = f'{{"{name}": {{"after": 5, "rows": 5, "xor1": 1, "xor2": 1}}}}'
    truth.execute(
        filled,
        f"UPDATE rlops_backup SET state = 'kept', progress = '{progress}'",
        f"DROP TABLE {quoted(elsewhere)}.{name}",
    )
    for each in backup["tables"][1:]:
        truth.execute(filled, f"DROP TABLE {quoted(elsewhere)}.{each['backup_table']}")
    roll_back(filled)
    assert len(filled.query(f"SELECT id FROM {quoted(elsewhere)}.{name}")) == 40
    copies = filled.cli("backups", "show", backup["id"], "--output", "json").json["data"]["manifest"]["copies"]
    assert [each["xor1"] for each in copies] == [each["xor1"] for each in backup["copies"]]


def test_a_backup_of_which_only_the_copy_is_left_comes_back_whole(filled, elsewhere):
    kept = {table: truth.rows(filled, table) for table in TABLES}
    definitions = {table: truth.definition(filled, table) for table in TABLES}
    backup = roll_back(filled, "--backup", "copy", "--to-database", elsewhere)["data"]["backup"]["id"]
    filled.cli("backups", "prune", "--backup", backup, "--yes")
    told = filled.cli("restore", backup, "--output", "json", check=5).json["error"]
    assert told["code"] == "only_a_copy"
    truth.execute(filled, told["hint"].splitlines()[-1].rstrip(";"))
    filled.cli("restore", backup)
    assert {table: truth.rows(filled, table) for table in TABLES} == kept
    assert {table: truth.definition(filled, table) for table in TABLES} == definitions


def test_a_rollback_that_died_before_its_rename_leaves_no_ghost(filled):
    """Its record is given up by the next; it is never listed, for it has no tables."""
    truth.execute(
        filled,
        "INSERT INTO rlops_backup (id, state, made_at, updated_at, account, os_user, host, rlops_version, manifest)"
        " VALUES ('20260101_000000', 'begun', NOW(), NOW(), '', '', '', '1', '{\"tables\": []}')",
    )
    assert filled.cli("backups", "list", "--output", "json").json["data"]["backups"] == []
    roll_back(filled)
    states = {row["id"]: row["state"] for row in filled.query("SELECT id, state FROM rlops_backup")}
    assert states.pop("20260101_000000") == "abandoned"
    assert list(states.values()) == ["kept"]


def test_a_restore_that_died_after_its_rename_is_ended_though_another_command_ran(ours):
    """Rows without a parent are set aside once the table has its name again; the backup doesn't stay `kept` for ever."""
    ours.cli("migrate", "--partitioned", "--environment", "development")
    truth.fill(ours, *(f"2026-{month:02}-01 12:00:00" for month in range(1, 10)))
    kept = truth.rows(ours, INTERACTIONS)
    roll_back(ours)
    truth.execute(ours, "DELETE FROM users WHERE id = 3")
    steps = [step["name"] for step in ours.cli("restore", "--dry-run", "--output", "json").json["steps"]]
    (renamed,) = (number for number, name in enumerate(steps, 1) if "the tables' names again" in name)
    process = stopped(ours, "rlops.journal:Journal.intent", renamed + 1, "restore", "--yes")
    process.kill()
    process.communicate()
    ours.cli("seed", "--rows", "1", "--months", "1")
    assert truth.count(ours, INTERACTIONS, "user_id = 3")
    ours.cli("restore")
    assert not truth.count(ours, INTERACTIONS, "user_id = 3")
    (aside,) = (name for name in truth.tables(ours) if name.startswith(f"{INTERACTIONS}__set_aside_"))
    assert set(kept) <= {*truth.rows(ours, INTERACTIONS), *truth.rows(ours, aside)}
    assert [row["state"] for row in ours.query("SELECT state FROM rlops_backup")] == ["restored"]
    assert ours.cli("restore", "--output", "json", check=5).json["error"]["code"] == "no_backup"
