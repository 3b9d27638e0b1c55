"""What is kept of each backup, what depends on the tables, and how backups are listed, pruned and copied elsewhere."""

from __future__ import annotations

import json
import shutil
import threading
from datetime import timedelta

import pytest
import truth
from conftest import quoted
from sessions import connect, until
from truth import TABLES

from rlops.ops.backups import new_id
from rlops.sqlfiles import default_root

INTERACTIONS, MODELS, FEATURES = TABLES


@pytest.fixture
def filled(database):
    database.install()
    truth.fill(database, *(f"2026-{month:02}-01 12:00:00" for month in range(1, 10)))
    return database


@pytest.fixture
def elsewhere(filled):
    name = f"{filled.name}_copy"
    truth.execute(filled, f"CREATE DATABASE {quoted(name)}")
    yield name
    truth.execute(filled, f"DROP DATABASE IF EXISTS {quoted(name)}")


def roll_back(database, *options, check=0):
    return database.cli("rollback", "--yes", "--output", "json", *options, check=check).json


def backups(database):
    return database.cli("backups", "list", "--output", "json").json["data"]["backups"]


def age(database, backup_id, days):
    """Give a backup an older id, as if it had been made days ago; the tables and the record alike."""
    made = database.query("SELECT UTC_TIMESTAMP() AS now")[0]["now"] - timedelta(days=days, minutes=1)
    older = f"{made:%Y%m%d_%H%M%S}"
    names = [name for name in truth.tables(database) if name.endswith(f"__backup_{backup_id}")]
    renames = [f"RENAME TABLE {name} TO {name.replace(backup_id, older)}" for name in names]
    update = f"UPDATE rlops_backup SET id = '{older}', manifest = REPLACE(manifest, '{backup_id}', '{older}')"
    truth.execute(database, *renames, f"{update} WHERE id = '{backup_id}'")
    return older


def test_a_table_named_for_a_time_that_never_was_is_no_backup(filled):
    made = roll_back(filled)["data"]["backup"]["id"]
    truth.execute(filled, f"CREATE TABLE {MODELS}__backup_20261331_010101 (id INT PRIMARY KEY)")
    assert [each["id"] for each in backups(filled)] == [made]
    filled.cli("backups", "prune", "--older-than", "0", "--yes")
    filled.cli("migrate")
    filled.cli("monitor", check=None)
    assert f"{MODELS}__backup_20261331_010101" in truth.tables(filled)


def test_two_schemas_that_are_rolled_back_in_one_second_have_two_ids(filled, make_database, elsewhere):
    other = make_database(f"{filled.name}_2")
    other.install()
    with connect(filled) as one, connect(other) as two:

        def at_once():
            ids = [new_id(db, [], elsewhere) for db in (one, two)]
            return ids if len({key[:15] for key in ids}) == 1 else None

        first, second = until(at_once, "both are made in the same second")
        assert first != second

        def taken():
            key = new_id(one, [], elsewhere)
            truth.execute(filled, f"CREATE TABLE {quoted(elsewhere)}.{MODELS}__backup_{key} (id INT PRIMARY KEY)")
            again = new_id(one, [], elsewhere)
            return (key, again) if key[:15] == again[:15] else None

        key, again = until(taken, "it is asked for again in the same second")
        assert key != again


def test_the_manifest_says_what_was_there(filled):
    definitions = {table: truth.definition(filled, table) for table in TABLES}
    trigger = f"CREATE TRIGGER stamp BEFORE INSERT ON {MODELS} FOR EACH ROW SET NEW.created_by = 7"
    truth.execute(filled, trigger)
    account = f"'m_{filled.name}'@'%'"
    truth.execute(
        filled, f"CREATE USER {account}", f"GRANT SELECT, INSERT ON {quoted(filled.name)}.{FEATURES} TO {account}"
    )
    try:
        backup = roll_back(filled, "--ticket", "OPS-7")["data"]["backup"]
        manifest = filled.cli("backups", "show", backup["id"], "--output", "json").json["data"]["manifest"]
    finally:
        truth.execute(filled, f"DROP USER {account}")
    assert (manifest["state"], manifest["ticket"], manifest["mode"]) == ("kept", "OPS-7", "rename")
    assert manifest["rlops_version"]
    assert manifest["os_user"]
    assert manifest["made_at"]
    tables = {each["table"]: each for each in manifest["tables"]}
    assert {table: each["definition"] for table, each in tables.items()} == definitions
    assert {each["table"]: each["rows"] for each in manifest["tables"]} == {INTERACTIONS: 9, MODELS: 2, FEATURES: 3}
    keys = tables[INTERACTIONS]["foreign_keys"]
    assert {(key["ref_table"], key["on_delete"]) for key in keys} == {("users", "CASCADE"), ("product", "CASCADE")}
    assert [each["name"] for each in tables[MODELS]["triggers"]] == ["stamp"]
    assert {(each["grantee"], each["privilege"]) for each in tables[FEATURES]["grants"]} == {
        (account, "SELECT"),
        (account, "INSERT"),
    }
    assert tables[INTERACTIONS]["partitions"] is None
    assert tables[INTERACTIONS]["auto_increment"] >= 10
    (listed,) = backups(filled)
    assert listed["verified"]
    assert listed["manifest"]["ticket"] == "OPS-7"
    assert manifest == listed["manifest"]
    assert "OPS-7" in filled.cli("backups", "show", backup["id"]).stdout


def test_a_backup_without_a_manifest_is_listed_shown_and_restored(filled):
    kept = {table: truth.rows(filled, table) for table in TABLES}
    definitions = {table: truth.definition(filled, table) for table in TABLES}
    backup = roll_back(filled)["data"]["backup"]["id"]
    truth.execute(filled, "DROP TABLE rlops_backup")
    (listed,) = backups(filled)
    assert (listed["id"], listed["verified"], listed["manifest"], listed["state"]) == (
        backup,
        False,
        None,
        "no manifest",
    )
    told = filled.cli("backups", "show", backup, "--output", "json").json
    assert {each["table"] for each in told["data"]["manifest"]["tables"]} == set(TABLES)
    assert "its tables tell" in told["notes"][0] if "notes" in told else True
    filled.cli("restore")
    assert {table: truth.rows(filled, table) for table in TABLES} == kept
    assert {table: truth.definition(filled, table) for table in TABLES} == definitions


def test_a_backup_that_is_not_there_is_named(filled):
    told = filled.cli("backups", "show", "20200101_000000", "--output", "json", check=2).json
    assert told["error"]["code"] == "no_such_backup"
    assert (
        filled.cli("backups", "prune", "--backup", "20200101_000000", "--output", "json", check=2).json["error"]["code"]
        == "no_such_backup"
    )


def test_age_against_the_policy(filled):
    backup = age(filled, roll_back(filled)["data"]["backup"]["id"], 91)
    listed = filled.cli("backups", "list", "--output", "json").json["data"]
    assert listed["max_age_days"] == 90
    assert [(each["id"], each["age_days"], each["past_limit"]) for each in listed["backups"]] == [(backup, 91, True)]
    assert backup in filled.cli("backups", "list").stdout


def test_prune_drops_the_old_ones_and_never_the_newest_verified_one(filled):
    ids = []
    for days in (200, 100, 50):
        if ids:
            filled.cli("migrate")
            truth.fill(filled, "2026-03-01 00:00:00")
        ids.append(age(filled, roll_back(filled)["data"]["backup"]["id"], days))
    # The newest of all is not whole, so it isn't the one to rely on.
    truth.execute(filled, f"DROP TABLE {MODELS}__backup_{ids[2]}")
    before = truth.snapshot(filled)
    refused = filled.cli("backups", "prune", "--older-than", "90", "--output", "json", check=5).json
    assert refused["error"]["code"] == "needs_confirmation"
    planned = filled.cli("backups", "prune", "--older-than", "90", "--dry-run", "--output", "json").json
    assert [each["id"] for each in planned["data"]["pruned"]] == [ids[0]]
    assert truth.snapshot(filled) == before
    done = filled.cli("backups", "prune", "--older-than", "10", "--yes", "--output", "json").json
    assert [each["id"] for each in done["data"]["pruned"]] == [ids[2], ids[0]]
    assert [backup["id"] for backup in backups(filled)] == [ids[1]]
    assert filled.cli("backups", "show", ids[0], "--output", "json").json["data"]["manifest"]["state"] == "pruned"
    again = filled.cli("backups", "prune", "--older-than", "10", "--yes", "--output", "json").json
    assert again["steps"] == []
    filled.cli("backups", "prune", "--backup", ids[1], "--yes")
    assert backups(filled) == []


def test_prune_in_production_wants_the_schema_named(database):
    database.cli("migrate", "--environment", "production")
    truth.fill(database, "2026-03-01 00:00:00")
    database.cli("rollback", "--confirm", database.name)
    (backup,) = backups(database)
    told = database.cli("backups", "prune", "--backup", backup["id"], "--yes", "--output", "json", check=5).json
    assert f"--confirm {database.name}" in told["error"]["hint"]
    assert [each["id"] for each in backups(database)] == [backup["id"]]
    database.cli("backups", "prune", "--backup", backup["id"], "--confirm", database.name)
    assert backups(database) == []


@pytest.mark.parametrize("chosen", [[INTERACTIONS], [MODELS, FEATURES]], ids=["one", "two"])
def test_only_some_of_the_tables(filled, chosen):
    kept = {table: truth.rows(filled, table) for table in TABLES}
    options = [word for table in chosen for word in ("--table", table)]
    backup = roll_back(filled, *options)["data"]["backup"]
    assert [each["table"] for each in backup["tables"]] == [table for table in TABLES if table in chosen]
    assert set(TABLES) - truth.tables(filled) == set(chosen)
    assert {table: truth.rows(filled, table) for table in set(TABLES) - set(chosen)} == {
        table: kept[table] for table in set(TABLES) - set(chosen)
    }
    (listed,) = backups(filled)
    assert listed["verified"]
    filled.cli("restore", backup["id"])
    assert {table: truth.rows(filled, table) for table in TABLES} == kept


def test_a_table_that_is_not_declared_is_no_table_to_roll_back(filled):
    assert roll_back(filled, "--table", "users", check=2)["error"]["code"] == "no_such_table"


def test_ids_go_on_above_every_kept_backup(filled):
    truth.execute(filled, f"DELETE FROM {INTERACTIONS}")  # a counter that no row shows
    roll_back(filled)
    filled.cli("migrate")
    truth.fill(filled, "2026-03-01 00:00:00")
    first = truth.rows(filled, INTERACTIONS)[0][0]
    assert first >= 10
    second = roll_back(filled)["data"]["backup"]["id"]
    oldest = backups(filled)[1]["id"]
    assert oldest != second
    filled.cli("restore", oldest)
    truth.fill(filled, "2026-03-01 00:00:00", models=0, features=0)
    assert truth.rows(filled, INTERACTIONS)[0][0] > first


def test_a_copy_in_another_schema(filled, elsewhere):
    rows = [f"2026-01-{n % 28 + 1:02} 00:00:00" for n in range(2500)]
    truth.fill(filled, *rows, models=0, features=0)
    kept = {table: truth.rows(filled, table) for table in TABLES}
    backup = roll_back(filled, "--backup", "copy", "--to-database", elsewhere)["data"]["backup"]
    for each in backup["tables"]:
        assert truth.rows(filled, each["backup_table"]) == kept[each["table"]]
        copied = filled.query(f"SELECT * FROM {quoted(elsewhere)}.{each['backup_table']}")
        assert sorted((tuple(row.values()) for row in copied), key=repr) == kept[each["table"]]
    assert {each["table"]: each["rows"] for each in backup["copies"]} == {
        table: len(rows) for table, rows in kept.items()
    }
    assert all(each["xor1"] for each in backup["copies"])
    assert backups(filled)[0]["state"] == "copied"
    filled.cli("restore")
    assert {table: truth.rows(filled, table) for table in TABLES} == kept


def test_a_copy_that_somebody_else_wrote_to_is_found_out(filled, elsewhere):
    """The chunk with the stranger's row is not committed; once the row is gone the next rollback finishes."""
    truth.execute(filled, f"ALTER TABLE {INTERACTIONS} RENAME COLUMN reward TO reward")
    backup = roll_back(filled, "--backup", "copy", "--to-database", elsewhere)["data"]["backup"]["id"]
    name = f"{INTERACTIONS}__backup_{backup}"
    there = f"{quoted(elsewhere)}.{name}"
    progress = json.dumps(
        {f"{MODELS}__backup_{backup}": {"done": True}, f"{FEATURES}__backup_{backup}": {"done": True}}
    )
    truth.execute(
        filled, f"DELETE FROM {there}", f"INSERT INTO {there} SELECT * FROM {name} LIMIT 1",
        f"UPDATE {there} SET id = 0, reward = 99" if filled.server.family == "oceanbase" else f"UPDATE {there} SET id = 2, reward = 99",
        f"UPDATE rlops_backup SET state = 'kept', progress = '{progress}'",
    )  # fmt: skip
    if filled.server.family == "oceanbase":
        truth.execute(filled, f"UPDATE {there} SET id = (SELECT MIN(id) FROM {name})")
    stopped = roll_back(filled, check=1)
    assert stopped["error"]["code"] in ("copy_differs", "server_1062"), stopped["error"]
    assert len(filled.query(f"SELECT * FROM {there}")) == 1
    truth.execute(filled, f"DELETE FROM {there}")
    roll_back(filled)
    copied = filled.query(f"SELECT * FROM {there}")
    assert sorted((tuple(row.values()) for row in copied), key=repr) == truth.rows(filled, name)


@pytest.mark.parametrize("options", [("--backup", "copy"), ("--to-database", "x")], ids=" ".join)
def test_half_of_the_options_of_a_copy(filled, options):
    assert roll_back(filled, *options, check=2)["exit_code"] == 2


def test_a_copy_is_refused_before_anything_is_renamed(filled, elsewhere):
    before = truth.snapshot(filled)
    for options, code in (
        (("--to-database", "no_such_schema"), "no_schema"),
        (("--to-database", filled.name), "same_schema"),
    ):
        assert roll_back(filled, "--backup", "copy", *options, check=5)["error"]["code"] == code
    truth.execute(filled, f"ALTER TABLE {MODELS} ADD COLUMN score DOUBLE")
    changed = truth.snapshot(filled)
    told = roll_back(filled, "--backup", "copy", "--to-database", elsewhere, check=5)
    assert told["error"]["code"] == "not_comparable"
    assert "score" in told["error"]["message"]
    assert truth.snapshot(filled) == changed != before


def test_what_depends_on_the_tables_is_told_before(filled):
    if filled.server.family == "oceanbase":
        pytest.skip("it shows no events, and no session's statement in time")
    truth.execute(
        filled,
        f"CREATE VIEW recent AS SELECT id FROM {INTERACTIONS}",
        "CREATE VIEW indirect AS SELECT id FROM recent",
        f"CREATE PROCEDURE tidy() DELETE FROM {MODELS} WHERE is_active = 0",
        f"CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM {FEATURES} WHERE user_id = 0",
        f"CREATE PROCEDURE innocent() SELECT '{MODELS}' AS name",
        f"CREATE TRIGGER stamp BEFORE INSERT ON {MODELS} FOR EACH ROW SET NEW.created_by = 7",
    )
    before = truth.snapshot(filled)
    told = filled.cli("rollback", "--dry-run", "--output", "json").json["data"]["dependents"]
    assert told["views"] == ["indirect", "recent"]
    assert told["routines"] == ["tidy"]
    assert told["events"] == ["nightly"]
    assert told["triggers"] == [f"stamp on {MODELS}"]
    shown = filled.cli("rollback", "--dry-run").stdout
    assert all(word in shown for word in ("recent", "tidy", "nightly", "stamp", "bytes"))
    assert truth.snapshot(filled) == before


def test_a_session_that_uses_the_tables_is_named(filled):
    if filled.server.family == "oceanbase":
        pytest.skip("its process list shows no statement of a sleeping session")
    with filled.connect(autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*), SLEEP(0) FROM {INTERACTIONS}")
        ident = connection.thread_id()
        other = filled.connect()
        worker = threading.Thread(target=_slow, args=(other,))
        worker.start()
        try:
            told = filled.cli("rollback", "--dry-run", "--output", "json").json["data"]["dependents"]["sessions"]
        finally:
            worker.join()
        assert any(f"connection {other.thread_id()} " in each for each in told), (told, ident)


def _slow(connection):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*), SLEEP(3) FROM (SELECT id FROM {INTERACTIONS} LIMIT 1) AS one")


def test_a_trigger_of_another_table_that_names_ours_is_refused_and_the_shop_goes_on(filled):
    trigger = "CREATE TRIGGER forget AFTER DELETE ON users FOR EACH ROW "
    truth.execute(filled, f"{trigger} DELETE FROM {FEATURES} WHERE user_id = OLD.id")
    before = truth.snapshot(filled)
    told = roll_back(filled, check=5)
    assert told["error"]["code"] == "named_by_triggers"
    assert "DROP TRIGGER `forget`" in told["error"]["hint"]
    assert truth.snapshot(filled) == before
    truth.execute(filled, "DROP TRIGGER forget", f"{trigger} INSERT INTO product (name) VALUES ('{FEATURES}')")
    roll_back(filled)
    truth.execute(filled, "DELETE FROM users WHERE id = 9")


@pytest.mark.parametrize(
    "body",
    [
        """SET @why = "the user's mail changed"; {delete}; SET @done = 'yes'""",
        "/* no CONTINUE HANDLER FOR 1146 here */ {delete}",
        "SET @why = 'DECLARE CONTINUE HANDLER FOR 1146'; {delete}",
        "SET @`it's` = 1; {delete}; SET @done = 'yes'",
    ],
    ids=["apostrophe", "comment", "string", "name"],
)
def test_what_quotes_and_comments_hold_is_told_from_what_a_trigger_does(filled, body):
    body = body.format(delete=f"DELETE FROM {FEATURES} WHERE user_id = OLD.id")
    truth.execute(filled, f"CREATE TRIGGER forget AFTER DELETE ON users FOR EACH ROW BEGIN {body}; END")
    assert roll_back(filled, check=5)["error"]["code"] == "named_by_triggers"
    body = body.replace(f"FROM {FEATURES}", "FROM `users`").replace("1;", f'"{FEATURES}, or so"; # {FEATURES}\n')
    truth.execute(filled, "DROP TRIGGER forget")
    truth.execute(filled, f"CREATE TRIGGER forget AFTER DELETE ON product FOR EACH ROW BEGIN {body}; END")
    roll_back(filled)


def test_a_trigger_of_another_schema_that_names_ours_is_refused(filled, elsewhere):
    there, ours = quoted(elsewhere), quoted(filled.name)
    truth.execute(
        filled,
        f"CREATE TABLE {there}.users (id BIGINT PRIMARY KEY)",
        f"CREATE TABLE {there}.{FEATURES} (user_id BIGINT PRIMARY KEY)",
        f"CREATE TRIGGER {there}.own AFTER INSERT ON {there}.users FOR EACH ROW"
        f" DELETE FROM {FEATURES} WHERE user_id = NEW.id",
    )
    roll_back(filled)  # that one names its own schema's table
    filled.cli("restore")
    truth.execute(
        filled,
        f"CREATE TRIGGER {there}.tell AFTER DELETE ON {there}.users FOR EACH ROW"
        f" DELETE FROM {ours}.{FEATURES} WHERE user_id = OLD.id",
    )
    told = roll_back(filled, check=5)["error"]
    assert told["code"] == "named_by_triggers"
    assert told["hint"].endswith(f"DROP TRIGGER {there}.`tell`;")


def test_a_trigger_that_reaches_a_table_through_a_procedure(filled):
    if filled.server.family == "oceanbase":
        pytest.skip("its procedures are not looked through")
    truth.execute(
        filled,
        f"CREATE PROCEDURE forget_user(gone BIGINT) DELETE FROM {FEATURES} WHERE user_id = gone",
        "CREATE TRIGGER forget AFTER DELETE ON users FOR EACH ROW CALL forget_user(OLD.id)",
    )
    assert roll_back(filled, check=5)["error"]["code"] == "named_by_triggers"


@pytest.mark.parametrize("missing", ["1146", "SQLSTATE '42S02'"])
def test_a_trigger_that_goes_on_without_the_table_is_no_reason_to_refuse(filled, missing):
    if filled.server.family == "oceanbase":
        pytest.skip("MySQL's and MariaDB's handlers")
    truth.execute(
        filled,
        f"CREATE TRIGGER forget AFTER DELETE ON users FOR EACH ROW BEGIN DECLARE CONTINUE HANDLER FOR {missing} BEGIN END;"
        f" DELETE FROM {FEATURES} WHERE user_id = OLD.id; END",
    )
    roll_back(filled)
    truth.execute(filled, "DELETE FROM users WHERE id = 9")
    assert not truth.count(filled, "users", "id = 9")


def test_a_foreign_key_from_another_schema_is_refused_with_the_statement(filled, elsewhere):
    other = f"{quoted(elsewhere)}.deployments"
    truth.execute(
        filled,
        f"CREATE TABLE {other} (id INT PRIMARY KEY, model_id BIGINT,"
        f" CONSTRAINT fk_model FOREIGN KEY (model_id) REFERENCES {quoted(filled.name)}.{MODELS} (id))",
    )
    before = truth.snapshot(filled)
    told = roll_back(filled, check=5)
    assert told["error"]["code"] == "referenced"
    assert "DROP FOREIGN KEY `fk_model`" in told["error"]["hint"]
    assert elsewhere in told["error"]["hint"]
    assert truth.snapshot(filled) == before
    roll_back(filled, "--table", INTERACTIONS)


def test_a_partitioned_table_goes_and_comes_back_with_its_partitions(filled):
    keys = ("user", "product")
    changes = [f"DROP FOREIGN KEY fk_{INTERACTIONS}_{key}" for key in keys]
    truth.execute(filled, *(f"ALTER TABLE {INTERACTIONS} {change}" for change in changes))
    if filled.server.family == "oceanbase":
        pytest.skip("it can't partition a table that is there by another key")
    truth.execute(
        filled,
        f"ALTER TABLE {INTERACTIONS} DROP PRIMARY KEY, ADD PRIMARY KEY (id, timestamp)",
        f"ALTER TABLE {INTERACTIONS} PARTITION BY RANGE COLUMNS(timestamp)"
        " (PARTITION p1 VALUES LESS THAN ('2026-05-01'), PARTITION p_future VALUES LESS THAN (MAXVALUE))",
    )
    kept = {table: truth.rows(filled, table) for table in TABLES}
    definition = truth.definition(filled, INTERACTIONS)
    backup = roll_back(filled)["data"]["backup"]["id"]
    manifest = filled.cli("backups", "show", backup, "--output", "json").json["data"]["manifest"]
    assert "p_future" in manifest["tables"][0]["partitions"]
    truth.execute(filled, "DELETE FROM users WHERE id = 3")
    done = filled.cli("restore", "--output", "json").json["data"]["tables"]
    aside = truth.rows(filled, done[0]["set_aside"])
    assert sorted(truth.rows(filled, INTERACTIONS) + aside, key=repr) == kept[INTERACTIONS]
    assert {row[1] for row in aside} == {3}
    assert truth.definition(filled, INTERACTIONS) == definition


@pytest.fixture
def hard_rows(filled):
    """Rows that a strict session refuses or gives another id, under columns of which one is generated."""
    truth.execute(
        filled,
        "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
        f"INSERT INTO {INTERACTIONS} (id, user_id, product_id, interaction_type, timestamp)"
        " VALUES (0, 5, 5, 'VIEW', '0000-00-00 00:00:00'), (100, 6, 6, 'VIEW', '0000-00-00 00:00:00')",
        f"ALTER TABLE {INTERACTIONS} ADD COLUMN twice DECIMAL(12,2) GENERATED ALWAYS AS (reward * 2) STORED",
    )
    return filled, truth.rows(filled, INTERACTIONS)


def test_hard_rows_are_set_aside_and_come_back(hard_rows):
    database, kept = hard_rows
    roll_back(database)
    truth.execute(database, "DELETE FROM users WHERE id = 5")
    database.cli("restore")
    (aside,) = (name for name in truth.tables(database) if "__set_aside_" in name)
    assert sorted(truth.rows(database, INTERACTIONS) + truth.rows(database, aside), key=repr) == kept
    assert 0 in {row[0] for row in truth.rows(database, aside)}


def test_hard_rows_are_copied_and_merged(hard_rows, elsewhere):
    database, kept = hard_rows
    definition = truth.definition(database, INTERACTIONS)
    roll_back(database, "--backup", "copy", "--to-database", elsewhere)
    truth.execute(database, definition, "DELETE FROM users WHERE id = 5")
    database.cli("restore", "--merge")
    (aside,) = (name for name in truth.tables(database) if "__set_aside_" in name)
    assert sorted(truth.rows(database, INTERACTIONS) + truth.rows(database, aside), key=repr) == kept
    (copied,) = database.query(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = %s"
        " AND table_name LIKE 'user_product%%'",
        (elsewhere,),
    )
    found = database.query(f"SELECT COUNT(*) AS n FROM {quoted(elsewhere)}.{copied['name']} WHERE id IN (0, 100)")
    assert found[0]["n"] == 2


def test_lost_grants_are_given_again(filled):
    account = f"'g_{filled.name}'@'%'"
    place = f"{quoted(filled.name)}.{FEATURES}"
    truth.execute(filled, f"CREATE USER {account}", f"GRANT SELECT, INSERT ON {place} TO {account}")
    try:
        roll_back(filled)
        if filled.server.family != "oceanbase":
            truth.execute(filled, f"REVOKE INSERT ON {place} FROM {account}")
        filled.cli("restore")
        sql = (
            "SELECT PRIVILEGE_TYPE AS p FROM information_schema.TABLE_PRIVILEGES WHERE GRANTEE = %s AND TABLE_NAME = %s"
        )
        assert {row["p"] for row in filled.query(sql, (account, FEATURES))} == {"SELECT", "INSERT"}
    finally:
        truth.execute(filled, f"DROP USER {account}")


def test_a_grant_whose_account_is_gone_keeps_nothing_from_coming_back(filled):
    account = f"'h_{filled.name}'@'%'"
    truth.execute(filled, f"CREATE USER {account}", f"GRANT SELECT ON {quoted(filled.name)}.{FEATURES} TO {account}")
    roll_back(filled)
    truth.execute(filled, f"DROP USER {account}")
    filled.cli("restore")
    assert truth.count(filled, FEATURES) == 3


@pytest.mark.parametrize(
    "name", ["x" * 64, "ünsere läden", "a`b'c%s", "select"], ids=["64", "umlauts", "quotes", "word"]
)
def test_names_of_schemas(make_database, name):
    if make_database.__name__ and name == "a`b'c%s" and _seekdb(make_database):
        pytest.skip("its SHOW CREATE TABLE doubles no backtick")
    database = make_database(name)
    database.install()
    truth.fill(database, "2026-03-01 00:00:00")
    kept = {table: truth.rows(database, table) for table in TABLES}
    roll_back(database)
    database.cli("migrate")
    truth.fill(database, "2026-03-02 00:00:00", models=0, features=0)
    database.cli("restore", "--merge")
    assert truth.count(database, INTERACTIONS) == 2
    roll_back(database)
    database.cli("restore", backups(database)[-1]["id"])
    assert {table: truth.rows(database, table) for table in TABLES} == kept


def _seekdb(make_database):
    return make_database("probe").server.family == "oceanbase"


def test_a_table_whose_backup_would_have_too_long_a_name(filled, tmp_path):
    long = "m" * 50
    folder = tmp_path / "sql"
    shutil.copytree(default_root(), folder)
    (folder / "create" / "040_long.sql").write_text(
        "-- Create one with a long name.\n-- kind: write\n-- needs: CREATE\n-- locks: nothing\n"
        f"CREATE TABLE `{long}` (id BIGINT PRIMARY KEY)\n"
    )
    filled.cli("migrate", "--sql-dir", str(folder))
    before = truth.tables(filled)
    told = filled.cli("rollback", "--yes", "--sql-dir", str(folder), "--output", "json", check=5).json
    assert told["error"]["code"] == "long_name"
    assert truth.tables(filled) == before


def test_a_declared_table_that_refers_to_another(filled, tmp_path):
    """They go and come back together, key included; one alone is refused while the other refers to it."""
    folder = tmp_path / "sql"
    shutil.copytree(default_root(), folder)
    (folder / "create" / "040_runs.sql").write_text(
        "-- Create one that refers to a model.\n-- kind: write\n-- needs: CREATE\n-- locks: nothing\n"
        "CREATE TABLE `runs` (`id` BIGINT NOT NULL PRIMARY KEY, `model_id` BIGINT NOT NULL,\n"
        "  INDEX `idx_model` (`model_id`),\n"
        f"  CONSTRAINT `fk_runs_model` FOREIGN KEY (`model_id`) REFERENCES `{MODELS}` (`id`))\n"
    )
    with_runs = ("--sql-dir", str(folder))
    filled.cli("migrate", *with_runs)
    truth.execute(filled, f"INSERT INTO runs SELECT 1, MIN(id) FROM {MODELS}")
    tables = (*TABLES, "runs")
    kept = {table: (truth.rows(filled, table), truth.definition(filled, table)) for table in tables}
    told = roll_back(filled, *with_runs, "--table", MODELS, check=5)
    assert told["error"]["code"] == "referenced"
    assert "runs" in told["error"]["message"]
    roll_back(filled, *with_runs)
    assert not set(tables) & truth.tables(filled)
    filled.cli("restore", *with_runs)
    assert {table: (truth.rows(filled, table), truth.definition(filled, table)) for table in tables} == kept


def test_an_account_that_may_not_write_the_copy(filled, elsewhere, tmp_path):
    """The plan tells it, to an account that may only read too; the run changes no table."""
    if not filled.url:
        pytest.skip("a socket's options name root already; the privileges are read in the same way")
    account = f"c_{filled.name[:20]}"
    secret = tmp_path / "secret"
    secret.write_text("Secret-1")
    on = quoted(filled.name)
    truth.execute(
        filled, f"CREATE USER {account} IDENTIFIED BY 'Secret-1'", f"GRANT ALL PRIVILEGES ON {on}.* TO {account}",
        f"GRANT SELECT ON {quoted(elsewhere)}.* TO {account}",
    )  # fmt: skip
    options = ("--user", account, "--password-file", str(secret), "--backup", "copy", "--to-database", elsewhere)
    try:
        before = {name: kept for name, kept in truth.snapshot(filled).items() if not name.startswith("rlops_")}
        planned = filled.cli("rollback", "--dry-run", "--output", "json", *options).json
        assert planned["status"] == "ok"
        told = filled.cli("rollback", "--yes", "--output", "json", *options, check=4).json["error"]
        assert "CREATE, INSERT" in told["message"]
        assert "GRANT CREATE, INSERT" in told["hint"]
        assert {name: kept for name, kept in truth.snapshot(filled).items() if not name.startswith("rlops_")} == before
    finally:
        truth.execute(filled, f"DROP USER {account}")
