"""What the change to months in one go refuses, leaves alone and says beforehand, and where it goes on with no record of it."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import truth
from test_partition import INTERACTIONS, at, findings, insert, partitions, refused, triggers
from truth import month

OFFLINE = ("partition", "enable", "--offline")


@pytest.fixture
def shop(database):
    """Interactions with foreign keys, and a few rows."""
    if database.server.family == "oceanbase":
        pytest.skip("OceanBase keeps its foreign keys on a partitioned table")
    database.install()
    truth.execute(database, *(insert(n, n, at(-n)) for n in range(1, 5)))
    return database


def is_refused(shop, *command):
    """The error of a command that changes nothing."""
    before = truth.snapshot(shop)
    error = shop.cli(*command, "--output", "json", check=5).json["error"]
    assert "Nothing was changed" in error["message"] and truth.snapshot(shop) == before
    return error


def test_a_trigger_of_the_shops_is_refused_where_cascades_would_begin_to_fire_it(shop):
    truth.execute(
        shop, "ALTER TABLE product ADD views INT NOT NULL DEFAULT 0",
        f"CREATE TRIGGER counted AFTER DELETE ON {INTERACTIONS} FOR EACH ROW"
        " UPDATE product SET views = views - 1 WHERE id = OLD.product_id",
    )  # fmt: skip
    for command in (OFFLINE, ("partition", "enable")):
        error = is_refused(shop, *command)
        assert error["code"] == "foreign_triggers" and "counted" in error["message"]
    shop.cli(*OFFLINE, "--integrity", "none")
    assert set(triggers(shop)) == {"counted"}
    truth.execute(shop, "DELETE FROM product WHERE id = 1")


@pytest.mark.parametrize("day", ["0000-00-00", "2024-03-00", "2024-00-00", "2024-02-30"])
@pytest.mark.parametrize("among", [("2024-02-29 23:59:59", "2024-03-01 00:00:00"), ()], ids=["among others", "alone"])
def test_a_day_that_no_calendar_has_is_refused(shop, day, among):
    truth.execute(shop, *(insert(when=when) for when in among))
    shop.cli(*OFFLINE, "--dry-run")
    truth.execute(shop, "SET sql_mode = 'ALLOW_INVALID_DATES'", insert(when=f"{day} 00:00:00"))
    for command in (OFFLINE, (*OFFLINE, "--integrity", "none"), ("partition", "enable")):
        assert is_refused(shop, *command)["code"] == "odd_rows"


@pytest.mark.parametrize("parent", [INTERACTIONS, "users"])
def test_a_foreign_key_of_another_schema_is_seen(shop, make_database, parent):
    crm = make_database(f"{shop.name}_crm")
    own, its = truth.quoted(shop.name), truth.quoted(crm.name)
    refers = f"FOREIGN KEY (its) REFERENCES {own}.{parent} (id) ON DELETE CASCADE"
    truth.execute(crm, f"CREATE TABLE {its}.users_notes (id BIGINT PRIMARY KEY, its BIGINT, {refers})")
    # A table of a parent's name elsewhere is no parent.
    truth.execute(
        crm, f"ALTER TABLE {its}.users ADD boss BIGINT, ADD FOREIGN KEY (boss) REFERENCES users (id) ON DELETE CASCADE"
    )
    if parent == INTERACTIONS:
        for command in (OFFLINE, ("partition", "enable")):
            error = is_refused(shop, *command)
            assert error["code"] == "referred_to" and f"{crm.name}.users_notes" in error["message"]
        truth.execute(crm, f"DROP TABLE {its}.users_notes")
    shop.cli(*OFFLINE)
    truth.execute(crm, f"DROP TABLE IF EXISTS {its}.users_notes")


def test_a_foreign_key_that_the_account_may_not_see_is_said_or_looked_for_with_process(shop, make_database):
    crm = make_database(f"{shop.name}_crm")
    refers = f"FOREIGN KEY (its) REFERENCES {truth.quoted(shop.name)}.{INTERACTIONS} (id)"
    truth.execute(crm, f"CREATE TABLE notes (id BIGINT PRIMARY KEY, its BIGINT, {refers})")
    make = (
        "DROP USER IF EXISTS operator",
        "CREATE USER operator",
        f"GRANT ALL ON {truth.quoted(shop.name)}.* TO operator",
    )
    truth.execute(shop, *make, "SET GLOBAL log_bin_trust_function_creators = 1")
    try:
        for command in (OFFLINE, ("partition", "enable")):
            planned = shop.cli(*command, "--user", "operator", "--dry-run", "--output", "json").json
            assert any("isn't seen (that needs PROCESS)" in note for note in planned["notes"])
        truth.execute(shop, "GRANT PROCESS ON *.* TO operator")
        error = is_refused(shop, *OFFLINE, "--user", "operator")
        assert error["code"] == "referred_to" and f"{crm.name}.notes" in error["message"]
    finally:
        truth.execute(shop, "DROP USER operator", "SET GLOBAL log_bin_trust_function_creators = 0")
        truth.execute(crm, "DROP TABLE notes")


def test_a_new_table_beside_a_parent_that_is_a_cascades_child_is_refused(database):
    if database.server.family == "oceanbase":
        pytest.skip("OceanBase keeps its foreign keys on a partitioned table")
    truth.execute(
        database, "CREATE TABLE tenants (id BIGINT PRIMARY KEY)",
        "ALTER TABLE users ADD tenant BIGINT, ADD FOREIGN KEY (tenant) REFERENCES tenants (id) ON DELETE CASCADE",
    )  # fmt: skip
    error = is_refused(database, "migrate", "--partitioned", "--environment", "development")
    assert error["code"] == "cascading_parent"


def test_a_row_of_the_far_future_makes_no_more_months_than_ensure_does(shop):
    truth.execute(shop, insert(when="2099-05-05 00:00:00"))
    far = f"SELECT * FROM `{INTERACTIONS}` WHERE `timestamp` >= '{month(25):%Y-%m-%d}' ORDER BY `timestamp` LIMIT 20"
    planned = shop.cli("partition", "enable", "--dry-run", "--output", "json").json
    assert any(far in note for note in planned["notes"])
    shop.cli(*OFFLINE)
    assert partitions(shop)[-2:] == [f"p{month(24):%Y%m}", "p_future"]
    status = shop.cli("partition", "status", "--output", "json", check=3).json
    assert status["data"]["catch_all_rows"] == 1 and status["next"] == far
    assert f"next: {far}" in shop.cli("partition", "status", check=3).stdout
    ensured = shop.cli("partition", "ensure", "--output", "json").json
    assert ensured["steps"] == [] and any(far in note for note in ensured["notes"])
    truth.execute(shop, insert(when=at(25)))  # another of them is no news for ensure, either
    assert shop.cli("partition", "ensure", "--output", "json").json["steps"] == []
    monitored = shop.cli("monitor", "--output", "json", check=None).json
    (problem,) = [each for each in monitored["data"]["findings"] if each["check"] == "catch_all_rows"]
    assert problem["command"] == far and "2 rows" in problem["message"]
    truth.execute(shop, f"DELETE FROM {INTERACTIONS} WHERE timestamp > '{month(25)}'")
    assert shop.cli("partition", "status", "--output", "json", check=None).json["data"]["due"] == []


def test_rows_of_the_far_future_beside_others_of_the_catch_all(shop):
    shop.cli(*OFFLINE)
    truth.execute(shop, insert(when="2099-05-05 00:00:00"), insert(when=at(6)))
    due = shop.cli("partition", "status", "--output", "json", check=3).json["data"]["due"]
    assert [each["next"].split()[0] for each in due] == ["rlops", "SELECT"]
    ensured = shop.cli("partition", "ensure", "--output", "json").json
    assert ensured["data"]["catch_all_rows"] == 1 and any("SELECT" in note for note in ensured["notes"])
    assert partitions(shop)[-2] == f"p{month(24):%Y%m}"


def forget(database):
    """What a dump of the shop's tables alone leaves of rlops' record."""
    truth.execute(database, *(f"DROP TABLE {name}" for name in truth.tables(database) if name.startswith("rlops_")))


def integrity_told(database):
    return database.cli("partition", "status", "--output", "json", check=None).json["data"]["integrity"]


def test_without_a_record_triggers_are_seen_mended_and_recorded(shop):
    shop.cli(*OFFLINE)
    forget(shop)
    assert integrity_told(shop) == "triggers" and findings(shop) == []
    truth.execute(shop, "DROP TRIGGER rlops_user_id_insert")
    (found,) = findings(shop)
    shop.cli(*found["hint"].split()[1:], "--environment", "development")
    assert refused(shop, insert(user=99)) == 1452 and findings(shop) == []
    recorded = {row["name"]: row["value"] for row in shop.query("SELECT name, value FROM rlops_state")}
    assert recorded["interactions_integrity"] == "triggers"
    assert "Nothing to do" in shop.cli(*OFFLINE).stdout
    forget(shop)
    shop.cli("partition", "disable", "--environment", "development")
    assert partitions(shop) == [] and refused(shop, insert(user=99)) == 1452


def test_without_a_record_and_without_triggers_either_can_be_chosen(shop):
    shop.cli(*OFFLINE)
    for more, told in (((), "triggers"), (("--integrity", "none"), "none")):
        forget(shop)
        truth.execute(shop, *(f"DROP TRIGGER {name}" for name in triggers(shop)))
        assert integrity_told(shop) == "none" and len(findings(shop)) == 8
        shop.cli(*OFFLINE, *more, "--environment", "development")
        assert integrity_told(shop) == told and findings(shop) == []


def test_uninstall_keeps_what_guards_a_partitioned_table_and_removes_the_rest(shop):
    shop.cli(*OFFLINE)
    truth.execute(shop, "DROP USER rlops_integrity@localhost")  # it may hold rights on schemas of other tests
    shop.cli(*OFFLINE)
    before = triggers(shop)
    planned = shop.cli("uninstall", "--dry-run", "--output", "json").json
    assert any("integrity of the partitioned table stay" in note for note in planned["notes"])
    shop.cli("uninstall", "--yes")
    assert triggers(shop) == before and findings(shop) == []
    assert refused(shop, insert(user=99)) == 1452 and refused(shop, "DELETE FROM users WHERE id = 1") == 0
    shop.cli("partition", "disable", "--offline", "--environment", "development")
    accounts = "SELECT User FROM mysql.user WHERE User = 'rlops_integrity'"
    assert len(shop.query(accounts)) == 1
    truth.execute(
        shop,
        "CREATE DATABASE IF NOT EXISTS rlops_elsewhere",
        "GRANT SELECT ON rlops_elsewhere.* TO rlops_integrity@localhost",
    )
    assert any(
        "stays: it holds" in note for note in shop.cli("uninstall", "--dry-run", "--output", "json").json["notes"]
    )
    truth.execute(
        shop, "REVOKE SELECT ON rlops_elsewhere.* FROM rlops_integrity@localhost", "DROP DATABASE rlops_elsewhere"
    )
    truth.execute(shop, "CREATE TRIGGER rlops_user_id_key BEFORE UPDATE ON users FOR EACH ROW SET @a = 1")
    shop.cli("uninstall", "--confirm", shop.name)
    assert triggers(shop) == {} and shop.query(accounts) == []
    assert not any(name.startswith("rlops_") for name in truth.tables(shop)) and refused(shop, insert(user=99)) == 1452


def test_a_restore_after_uninstall_guards_the_partitioned_table_again(shop):
    shop.cli(*OFFLINE)
    truth.execute(shop, "DROP USER rlops_integrity@localhost")  # it may hold rights on schemas of other tests
    shop.cli(*OFFLINE)
    shop.cli("rollback", "--yes")
    shop.cli("uninstall", "--yes")
    assert shop.query("SELECT User FROM mysql.user WHERE User = 'rlops_integrity'") == []
    truth.execute(shop, "DELETE FROM users WHERE id = 2")
    shop.cli("restore", "--environment", "development")
    assert integrity_told(shop) == "triggers" and findings(shop) == []
    assert truth.count(shop, INTERACTIONS) == 3 and refused(shop, insert(user=99)) == 1452


def test_a_right_that_the_triggers_account_lacks_is_seen_by_doctor_and_monitor(shop):
    shop.cli(*OFFLINE)

    def seen(command, *keep):
        found = shop.cli(command, "--output", "json", check=None).json["data"]["findings"]
        return [{key: each[key] for key in ("object", *keep)} for each in found if each["check"] == "definer"]

    assert seen("doctor") == seen("monitor") == []
    truth.execute(shop, f"REVOKE DELETE ON {INTERACTIONS} FROM rlops_integrity@localhost")
    assert refused(shop, "DELETE FROM users WHERE id = 1") == 1142
    where = f"'rlops_integrity'@'localhost' on {INTERACTIONS}"
    mends = "rlops partition enable --offline"
    assert seen("doctor", "actual", "hint") == [{"object": where, "actual": "lacks DELETE", "hint": mends}]
    ((told),) = seen("monitor", "level", "message", "command")
    assert (told["object"], told["level"], told["command"]) == (where, "critical", mends)
    assert "lacks DELETE" in told["message"] and "1142" in told["message"]
    shop.cli(*mends.split()[1:])
    assert seen("doctor") == seen("monitor") == [] and refused(shop, "DELETE FROM users WHERE id = 1") == 0
    truth.execute(shop, "DROP USER rlops_integrity@localhost")
    assert seen("doctor", "actual") == [{"object": "'rlops_integrity'@'localhost'", "actual": "absent"}]
    shop.cli(*mends.split()[1:])


@contextmanager
def operator(shop, *grants):
    """An account that may make no other one for the triggers, and rights by a role that is active where it logs in."""
    mysql = shop.server.family == "mysql"
    truth.execute(
        shop, "DROP USER IF EXISTS operator", "DROP ROLE IF EXISTS ops", "CREATE USER operator", "CREATE ROLE ops",
        *grants, "GRANT ops TO operator", f"SET DEFAULT ROLE ops {'TO' if mysql else 'FOR'} operator",
        "SET GLOBAL log_bin_trust_function_creators = 1",
    )  # fmt: skip
    try:
        yield
    finally:
        truth.execute(shop, "DROP USER operator", "DROP ROLE ops", "SET GLOBAL log_bin_trust_function_creators = 0")


def run_as_administrator(shop, hint):
    truth.execute(shop, *(line.rstrip(";") for line in hint.splitlines() if line.startswith("GRANT")))


def test_a_right_that_does_not_count_for_triggers_is_refused_and_found(shop):
    """MariaDB counts no role's where a trigger runs, MySQL those of default roles alone."""
    as_operator = (*OFFLINE, "--user", "operator", "--environment", "development")
    with operator(shop, f"GRANT ALL ON {truth.quoted(shop.name)}.* TO ops"):
        if shop.server.family == "mariadb":
            error = is_refused(shop, *as_operator)
            assert error["code"] == "definer" and "no role counts" in error["message"]
            run_as_administrator(shop, error["hint"])
        shop.cli(*as_operator)
        assert set(triggers(shop).values()) == {"operator@%"} and findings(shop) == []
        assert refused(shop, insert()) == refused(shop, "DELETE FROM users WHERE id = 1") == 0
        if shop.server.family == "mysql":
            truth.execute(shop, "SET DEFAULT ROLE NONE TO operator", "SET GLOBAL activate_all_roles_on_login = 1")
        else:
            truth.execute(shop, f"REVOKE ALL PRIVILEGES ON {INTERACTIONS} FROM operator")
        try:
            assert refused(shop, insert(2)) == refused(shop, "DELETE FROM users WHERE id = 2") == 1142
            found = findings(shop)
            assert found and {each["check"] for each in found} == {"definer"}
            error = is_refused(shop, *OFFLINE)
            run_as_administrator(shop, error["hint"])
            assert findings(shop) == []
        finally:
            if shop.server.family == "mysql":
                truth.execute(shop, "SET GLOBAL activate_all_roles_on_login = 0")
        assert refused(shop, insert(2)) == refused(shop, "DELETE FROM users WHERE id = 2") == 0


def test_no_copy_is_begun_that_the_triggers_account_may_not_write(shop):
    """Its rights are those that verify asks for, and the change is another account's that has them all."""
    schema = truth.quoted(shop.name)
    with operator(shop, f"GRANT ALL ON {schema}.* TO operator"):
        shop.cli(*OFFLINE, "--user", "operator", "--environment", "development")
        truth.execute(
            shop, f"GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON {INTERACTIONS} TO operator",
            "GRANT SELECT, TRIGGER ON users TO operator", "GRANT SELECT, TRIGGER ON product TO operator",
            f"REVOKE ALL PRIVILEGES ON {schema}.* FROM operator",
        )  # fmt: skip
        assert findings(shop) == []
        error = is_refused(shop, "partition", "disable", "--postpone-cut-over")
        assert error["code"] == "definer" and refused(shop, insert(1)) == 0
        run_as_administrator(shop, error["hint"])
        shop.cli("partition", "disable", "--postpone-cut-over")
        assert refused(shop, insert(1)) == refused(shop, "DELETE FROM users WHERE id = 1") == 0
        truth.execute(shop, f"REVOKE INSERT ON {INTERACTIONS}__rlops_new FROM operator")
        assert refused(shop, insert(2)) == 1142
        (found,) = [each for each in findings(shop) if each["check"] == "definer"]
        assert shop.cli("partition", "cut-over", check=5).stderr.count("INSERT") >= 1
        truth.execute(shop, found["hint"])
        shop.cli("partition", "cut-over")
        assert refused(shop, insert(2)) == 0 and findings(shop) == []


def test_an_account_that_may_not_see_the_triggers_is_told_so(shop):
    shop.cli(*OFFLINE)
    schema = truth.quoted(shop.name)
    truth.execute(shop, "DROP USER IF EXISTS reader", "CREATE USER reader", f"GRANT SELECT ON {schema}.* TO reader")
    try:
        for command in ("verify", "doctor"):
            answer = shop.cli(command, "--user", "reader", "--output", "json", check=None).json
            assert not {each["check"] for each in answer["data"]["findings"]} & {"trigger", "definer"}
            assert any("trigger" in note and "GRANT" in note for note in answer["notes"])
        assert integrity_told(shop) == "triggers"
    finally:
        truth.execute(shop, "DROP USER reader")
