"""`rlops grant` beyond the grants: the account it creates, what it revokes, roles, and what a rollback leaves behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest
from test_grant import DECLARED, EXCESS, SQL, Shop, accounts, create_tables, role, run

from rlops.ops import requirements

APP = "'dsazuser'@'%'"
ODD = 'it\'s "a" \\ %(x)s `größe` --'


@pytest.fixture
def shop(database: Any, tmp_path: Path) -> Iterator[Shop]:
    create_tables(database)
    with accounts(database, APP, "'operator'@'%'"):
        yield Shop(database, tmp_path)


@pytest.fixture
def new(shop: Shop) -> Shop:
    """A shop without the application account."""
    shop.run(f"DROP USER {APP}")
    return shop


def logs_in(shop: Shop, password: str) -> bool:
    try:
        with shop.database.connect(user="dsazuser", password=password.encode()) as connection:
            connection.cursor().execute("SELECT COUNT(*) FROM rl_model_metadata")
    except pymysql.err.OperationalError:
        return False
    return True


def exists(shop: Shop) -> bool:
    with suppress(pymysql.MySQLError):
        return bool(shop.grants())
    return False


def written(shop: Shop) -> str:
    """All that rlops wrote of its runs into the schema."""
    rows = [row for table in ("rlops_run", "rlops_step") for row in shop.database.query(f"SELECT * FROM {table}")]
    return repr(rows)


def test_a_new_account_s_password_is_shown_once_and_kept_nowhere(new: Shop) -> None:
    log, plan = new.tmp_path / "audit.log", new.tmp_path / "plan.sql"
    dry = new.rlops("grant", "--create-user", "--dry-run", "--plan-out", str(plan))
    assert "CREATE USER 'dsazuser'@'%' IDENTIFIED BY '***'" in dry.stdout
    assert "IDENTIFIED BY '***'" in plan.read_text()
    assert not exists(new)
    done = new.rlops("grant", "--create-user", "--plan", str(plan), "--audit-log", str(log), "--output", "json")
    password = done.json["data"]["password"]
    assert len(password) >= 24
    assert done.stdout.count(password) == 1
    assert [each["held"] for each in done.json["data"]["tables"]] == [DECLARED] * 3
    assert logs_in(new, password)
    texts = (
        done.stderr,
        log.read_text(),
        plan.read_text(),
        written(new),
        new.rlops("history", "--output", "json").stdout,
    )
    assert [text.count(password) for text in texts] == [0] * 5
    assert "IDENTIFIED BY '***'" in new.rlops("history", "--run", "1", "--output", "json").stdout
    again = new.json("grant", "--create-user")
    assert (again["steps"], "password" in again["data"]) == ([], False)
    assert any("exists and is left as it is" in note for note in again["notes"])
    assert logs_in(new, password)


def test_the_table_shows_the_password_once(new: Shop) -> None:
    shown = new.rlops("grant", "--create-user", "--verbose").stdout
    (line,) = [line for line in shown.splitlines() if "shown this once" in line]
    password = line.split(": ")[1]
    assert shown.count(password) == 1
    assert logs_in(new, password)


def test_a_password_from_a_file_is_never_shown(new: Shop) -> None:
    file = new.tmp_path / "new password"
    file.write_text(ODD + "\n")
    file.chmod(0o600)
    done = new.rlops("grant", "--create-user", "--password-from", str(file), "--output", "json")
    assert "password" not in done.json["data"]
    assert logs_in(new, ODD)
    for text in (done.stdout, done.stderr, written(new)):
        assert "größe" not in text
    file.write_text("\n")
    assert new.json("grant", "--create-user", "--password-from", str(file), check=2)["error"]
    assert new.json("grant", "--password-from", str(file), check=2)["error"]
    assert new.json("grant", "--create-user", "--password-from", str(file) + "x", check=2)["error"]
    assert new.json("grant", "--create-user", "--check", check=2)["error"]


def test_a_password_is_shown_even_if_a_later_step_fails(new: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    new.run(
        f"GRANT ALL PRIVILEGES ON {new.schema}.* TO 'operator'@'%'", "GRANT CREATE USER ON *.* TO 'operator'@'%'",
        f"GRANT SELECT ON {'mysql.*' if new.family == 'mariadb' else 'mysql.user'} TO 'operator'@'%'",
    )  # fmt: skip
    denied = new.json("grant", "--create-user", user="operator", check=4)
    assert "GRANT OPTION" in denied["error"]["message"]
    assert not exists(new)
    monkeypatch.setattr(requirements, "denied", lambda *_: None)
    failed = new.json("grant", "--create-user", user="operator", check=1)
    password = failed["data"]["password"]
    assert password not in repr(failed["error"])
    with new.database.connect(user="dsazuser", password=password, database=None):
        pass
    assert password not in written(new)


def test_creating_an_account_needs_create_user(new: Shop) -> None:
    new.run(
        f"GRANT ALL PRIVILEGES ON {new.schema}.* TO 'operator'@'%' WITH GRANT OPTION",
        f"GRANT SELECT ON {'mysql.*' if new.family == 'mariadb' else 'mysql.user'} TO 'operator'@'%'",
    )
    dry = new.json("grant", "--create-user", "--dry-run", user="operator")
    assert any("CREATE USER on *.*" in note for note in dry["notes"])
    denied = new.json("grant", "--create-user", user="operator", check=4)
    assert denied["error"]["hint"].splitlines()[1:] == ["GRANT CREATE USER ON *.* TO 'operator'@'%';"]
    assert new.own_tables() == []
    new.run(denied["error"]["hint"].splitlines()[1].rstrip(";"))
    new.json("grant", "--create-user", user="operator")


def test_a_password_that_the_server_s_policy_refuses(new: Shop) -> None:
    if new.family != "mysql":
        pytest.skip("MariaDB's plugins aren't in its core package; seekdb took any password in a trial")
    file = new.tmp_path / "weak"
    file.write_text("weakling")
    file.chmod(0o600)
    new.run("INSTALL COMPONENT 'file://component_validate_password'")
    try:
        answer = new.json("grant", "--create-user", "--password-from", str(file), check=1)
        assert "policy" in answer["error"]["message"]
        assert "another password" in answer["error"]["hint"]
        assert "weakling" not in repr(answer)
        assert not exists(new)
        new.json("grant", "--create-user")
    finally:
        new.run("UNINSTALL COMPONENT 'file://component_validate_password'")


@pytest.mark.parametrize("case", EXCESS)
def test_excess_is_revoked_on_request_only(shop: Shop, case: str) -> None:
    shop.json("grant")
    shop.run(
        EXCESS[case][0].format(s=shop.schema, u=APP), f"GRANT CREATE VIEW, DROP ON {shop.schema}.* TO {APP}",
        f"GRANT SELECT, DROP ON {shop.schema}.users TO {APP}",
    )  # fmt: skip
    before = shop.grants()
    assert shop.json("grant")["steps"] == []
    refused = shop.json("grant", "--revoke-excess", check=5)
    assert refused["error"]["code"] == "needs_confirmation"
    assert "This revokes" in refused["error"]["message"]
    (finding,) = shop.json("grant", "--check", check=3)["data"]["findings"]
    (step,) = shop.json("grant", "--revoke-excess", "--dry-run")["steps"]
    assert step["sql"] == finding["hint"]
    assert shop.grants() == before
    done = shop.json("grant", "--revoke-excess", "--yes")
    assert [each["held"] for each in done["data"]["tables"]] == [DECLARED] * 3
    assert any("CREATE VIEW, DROP on the whole schema" in note for note in done["notes"])
    assert shop.json("grant", "--check")["data"]["findings"] == []
    assert any("users" in line and "DROP" in line for line in shop.grants())
    assert shop.json("grant", "--revoke-excess")["steps"] == []


def test_missing_and_excess_go_in_one_run(shop: Shop) -> None:
    shop.run(f"GRANT SELECT, DROP, UPDATE (id) ON {shop.schema}.rl_model_metadata TO {APP} WITH GRANT OPTION")
    steps = shop.json("grant", "--revoke-excess", "--yes")["steps"]
    assert [step["name"].split()[0] for step in steps if "own" not in step["name"]] == ["grant"] * 3 + ["revoke"] * 3
    shop.json("grant", "--check")


def test_what_may_not_be_revoked_is_denied_before_anything(shop: Shop) -> None:
    shop.json("grant")
    shop.run(
        f"GRANT DROP ON {shop.schema}.rl_model_metadata TO {APP}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON {shop.schema}.* TO 'operator'@'%' WITH GRANT OPTION",
        f"GRANT SELECT ON {'mysql.*' if shop.family == 'mariadb' else 'mysql.user'} TO 'operator'@'%'",
    )
    before = shop.grants()
    denied = shop.json("grant", "--revoke-excess", "--yes", user="operator", check=4)
    assert "DROP on" in denied["error"]["message"]
    assert any(
        "DROP on" in note for note in shop.json("grant", "--revoke-excess", "--dry-run", user="operator")["notes"]
    )
    assert shop.grants() == before
    shop.run(*(line.rstrip(";") for line in denied["error"]["hint"].splitlines()[1:]))
    shop.json("grant", "--revoke-excess", "--yes", user="operator")


def test_what_a_role_holds_is_never_touched(shop: Shop) -> None:
    shop.json("grant")
    inside = f"GRANT DROP ON {shop.schema}.rl_model_metadata TO rl_inner"
    with suppress(pymysql.MySQLError):
        shop.run("DROP ROLE rl_inner")
    shop.run("CREATE ROLE rl_inner", inside)
    try:
        with role(shop, "GRANT rl_inner TO rl_role", f"GRANT rl_role TO {APP}"):
            answer = shop.json("grant", "--revoke-excess", "--yes")
            assert answer["steps"] == []
            assert any("DROP, through the role 'rl_inner'" in note for note in answer["notes"])
            (finding,) = shop.json("grant", "--check", check=3)["data"]["findings"]
            assert finding["actual"].startswith("DROP, through the role 'rl_inner'")
            shop.run(finding["hint"])
            shop.json("grant", "--check")
    finally:
        shop.run("DROP ROLE rl_inner")


@contextmanager
def given_to_everybody(shop: Shop) -> Iterator[str]:
    """Some excess that every account has; yields its holder's name."""
    if shop.family == "mariadb":
        if shop.database.query("SELECT VERSION() AS v")[0]["v"] < "10.11":
            pytest.skip("has no PUBLIC")
        shop.run(f"GRANT DROP ON {shop.schema}.rl_model_metadata TO PUBLIC")
        yield "'PUBLIC'"
        return
    with role(shop, f"GRANT DROP ON {shop.schema}.rl_model_metadata TO rl_role"):
        shop.run("SET GLOBAL mandatory_roles = 'nobody,`rl_role`@`%`'")
        try:
            yield "'rl_role'@'%'"
        finally:
            shop.run("SET GLOBAL mandatory_roles = ''")


def test_what_everybody_holds_is_found(shop: Shop) -> None:
    if shop.family == "oceanbase":
        pytest.skip("has neither mandatory roles nor PUBLIC")
    shop.json("grant")
    with given_to_everybody(shop) as holder:
        (finding,) = shop.json("grant", "--check", check=3)["data"]["findings"]
        assert finding["actual"] == f"DROP, through the role {holder}"
        shop.run(finding["hint"])
        shop.json("grant", "--check")


def test_the_policy_may_name_a_role(shop: Shop) -> None:
    folder = shop.tmp_path / "sql"
    shutil.copytree(SQL, folder)
    policy, host = folder / "policy.toml", "" if shop.family == "mariadb" else "%"
    text = policy.read_text().replace('user = "dsazuser"', 'user = "rl_role"')
    policy.write_text(text.replace('host = "%"', f'host = "{host}"'))
    options = ("--sql-dir", str(folder))
    with role(shop, f"GRANT rl_role TO {APP}"):
        shop.run(f"GRANT DROP ON {shop.schema}.rl_model_metadata TO rl_role")
        shop.json("grant", "--revoke-excess", "--yes", *options)
        shop.json("grant", "--check", *options)
        assert shop.json("grant", *options)["steps"] == []
    if shop.family == "mariadb":
        assert "CREATE ROLE 'rl_role'" in shop.json("grant", "--create-user", *options, check=2)["error"]["hint"]


def test_grants_that_a_rollback_leaves_are_shown_and_count_again(database: Any, tmp_path: Path) -> None:
    shop = Shop(database, tmp_path)
    development = ("--environment", "development")
    shop.rlops("migrate", *development)
    with accounts(database, APP):
        shop.rlops("grant")
        run(database, f"GRANT UPDATE (id) ON {shop.schema}.rl_model_metadata TO {APP}")
        shop.rlops("rollback", "--yes")
        answer = shop.json("grant", "--check", check=3)
        assert [finding["check"] for finding in answer["data"]["findings"]] == ["table"] * 3
        (note,) = answer["notes"]
        assert note.startswith("grants on tables that don't exist (after a rollback)")
        assert "UPDATE (id) on rl_model_metadata" in note
        assert "rlops restore" in note
        assert note in shop.rlops("verify", "--output", "json", check=3).json["notes"]
        shop.rlops("migrate")
        (finding,) = shop.json("grant", "--check", check=3)["data"]["findings"]
        assert finding["check"] == "column grant"
