"""`rlops grant` on real servers: exactly what is declared, proven, and nothing implicit."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest
from conftest import run_cli

from rlops.db import Database, ServerError
from rlops.errors import Denied
from rlops.ops import grant
from rlops.settings import Target
from rlops.sqlfiles import load

TABLES = ("user_product_interactions", "rl_model_metadata", "user_context_features")
DECLARED = ["SELECT", "INSERT", "UPDATE", "DELETE"]
SQL = Path(__file__).resolve().parents[2] / "sql"
PASSWORD = "a Pass-word 1"


def lit(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def run(database: Any, *statements: str, user: str = "root") -> None:
    overrides = {"user": user, "password": PASSWORD} if user != "root" else {}
    with database.connect(**overrides) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def create_tables(database: Any) -> None:
    folder = load(None, database.server.family)
    run(database, *(file.body for file in folder.group("create")))


class Shop:
    """A schema with the three tables, the application account and an operator's."""

    def __init__(self, database: Any, tmp_path: Path) -> None:
        self.database, self.tmp_path = database, tmp_path
        self.password_file = tmp_path / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.password_file.chmod(0o600)

    @property
    def family(self) -> str:
        return str(self.database.server.family)

    @property
    def schema(self) -> str:
        return "`" + self.database.name.replace("`", "``") + "`"

    def run(self, *statements: str) -> None:
        run(self.database, *statements)

    def rlops(self, *arguments: str, user: str | None = None, check: int | None = 0) -> Any:
        if user is None:
            return self.database.cli(*arguments, check=check)
        args = self.database.server.connect_args()
        place = (
            ("--socket", args["unix_socket"])
            if "unix_socket" in args
            else ("--host", args["host"], "--port", str(args["port"]))
        )
        login = ("--user", user, "--password-file", str(self.password_file), "--database", self.database.name)
        return run_cli(*arguments, *place, *login, home=self.database.home, check=check)

    def json(self, *arguments: str, user: str | None = None, check: int | None = 0) -> Any:
        answer = self.rlops(*arguments, "--output", "json", user=user, check=check).json
        assert answer["schema"] == "rlops/1"
        assert answer["command"] == "grant"
        assert check is None or answer["exit_code"] == check
        return answer

    def own_tables(self) -> list[str]:
        found = self.database.query(
            "SELECT TABLE_NAME AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s", (self.database.name,)
        )
        return sorted(row["n"] for row in found if row["n"].startswith("rlops"))

    def grants(self, account: str = "'dsazuser'@'%'") -> list[str]:
        return [next(iter(row.values())) for row in self.database.query(f"SHOW GRANTS FOR {account}")]


@contextmanager
def accounts(database: Any, *names: str) -> Iterator[None]:
    """Fresh accounts for one test."""

    def drop() -> None:
        for name in names:
            with suppress(pymysql.MySQLError):
                run(database, f"DROP USER {name}")

    drop()
    run(database, *(f"CREATE USER {name} IDENTIFIED BY '{PASSWORD}'" for name in names))
    try:
        yield
    finally:
        drop()


@pytest.fixture
def shop(database: Any, tmp_path: Path) -> Iterator[Shop]:
    create_tables(database)
    with accounts(database, "'dsazuser'@'%'", "'operator'@'%'"):
        yield Shop(database, tmp_path)


def test_grants_what_is_declared_once(shop: Shop) -> None:
    before = shop.grants()
    assert shop.json("grant", "--check", check=3)["data"]["findings"][0]["actual"] == "none"
    dry = shop.json("grant", "--dry-run")
    assert [step["status"] for step in dry["steps"] if "own" not in step["name"]] == ["planned"] * 3
    assert "TO 'dsazuser'@'%'" in dry["steps"][-1]["sql"]
    assert shop.grants() == before
    assert shop.own_tables() == []
    done = shop.json("grant")
    assert [each["missing"] for each in done["data"]["tables"]] == [[]] * 3
    assert [each["held"] for each in done["data"]["tables"]] == [DECLARED] * 3
    assert shop.json("grant", "--check")["data"]["findings"] == []
    again = shop.json("grant")
    assert again["steps"] == []
    run(
        shop.database,
        "INSERT INTO rl_model_metadata (model_name, algorithm_type, version) VALUES ('m', 'DQN', '1')",
        user="dsazuser",
    )
    with pytest.raises(pymysql.MySQLError):
        run(shop.database, "DROP TABLE rl_model_metadata", user="dsazuser")


def test_only_what_is_missing_is_granted(shop: Shop) -> None:
    shop.run(f"GRANT SELECT, DELETE ON {shop.schema}.rl_model_metadata TO 'dsazuser'@'%'")
    steps = [step["sql"] for step in shop.json("grant", "--dry-run")["steps"] if step["file"].startswith("grant/")]
    assert [re.match(r"GRANT (.*?) ON", sql)[1] for sql in steps] == [
        ", ".join(DECLARED),
        "INSERT, UPDATE",
        ", ".join(DECLARED),
    ]


def test_tables_are_shown(shop: Shop) -> None:
    assert "GRANT SELECT, INSERT, UPDATE, DELETE ON" in shop.rlops("grant", "--dry-run").stdout
    assert "holds what is declared" in shop.rlops("grant").stdout
    shop.run(f"GRANT DROP ON {shop.schema}.rl_model_metadata TO 'dsazuser'@'%'")
    assert "REVOKE DROP" in shop.rlops("grant", "--check", check=3).stdout


def test_a_missing_account_is_never_created(shop: Shop) -> None:
    shop.run("DROP USER 'dsazuser'@'%'")
    for arguments in (("grant",), ("grant", "--dry-run")):
        answer = shop.json(*arguments, check=1)
        assert answer["error"]["code"] == "no_account"
        assert "CREATE USER 'dsazuser'@'%' IDENTIFIED BY '…'" in answer["error"]["hint"]
    answer = shop.json("grant", "--check", check=3)
    assert [finding["check"] for finding in answer["data"]["findings"]] == ["account"]
    assert answer["next"] == "rlops grant --create-user"
    with pytest.raises(pymysql.MySQLError) as raised:
        shop.grants()
    assert raised.value.args[0] in (1141, 1133)
    assert shop.own_tables() == []


def test_an_account_that_vanishes_before_the_grant_is_not_created(shop: Shop) -> None:
    """MariaDB and seekdb would create it, without a password, if the session's sql_mode let them."""
    with open_database(shop, "root") as db:
        plan = grant.plan(db, load(None, db.family))
        shop.run("DROP USER 'dsazuser'@'%'")
        with pytest.raises(ServerError):
            db.execute(plan.steps[0].statement.sql, plan.steps[0].statement.values)
        with pytest.raises(pymysql.MySQLError):
            shop.grants()


def test_missing_tables_name_migrate(shop: Shop) -> None:
    shop.run("DROP TABLE rl_model_metadata")
    answer = shop.json("grant", check=1)
    assert answer["error"]["code"] == "no_table"
    assert "rlops migrate" in answer["error"]["hint"]
    answer = shop.json("grant", "--check", check=3)
    first = answer["data"]["findings"][0]
    assert (first["check"], first["object"]) == ("table", "rl_model_metadata")
    assert answer["next"] == "rlops migrate"


def test_an_operator_without_grant_option_is_denied_before_anything(shop: Shop) -> None:
    shop.run(f"GRANT ALL PRIVILEGES ON {shop.schema}.* TO 'operator'@'%'", "GRANT SELECT ON mysql.* TO 'operator'@'%'")
    before = shop.grants()
    answer = shop.json("grant", user="operator", check=4)
    assert answer["error"]["code"] == "missing_privileges"
    assert "GRANT OPTION on" in answer["error"]["message"]
    assert shop.grants() == before
    assert shop.own_tables() == []
    shop.run(*(line.rstrip(";") for line in answer["error"]["hint"].splitlines() if line.startswith("GRANT")))
    shop.json("grant", user="operator")


def test_an_operator_who_may_not_see_the_grants_is_told(shop: Shop) -> None:
    shop.run(f"GRANT ALL PRIVILEGES ON {shop.schema}.* TO 'operator'@'%' WITH GRANT OPTION")
    for arguments in (("grant",), ("grant", "--check")):
        answer = shop.json(*arguments, user="operator", check=4)
        assert answer["error"]["code"] == "grants_hidden"
        assert "GRANT SELECT ON mysql." in answer["error"]["hint"]
    with open_database(shop, "operator") as db:
        found, notes = grant.findings(db, load(None, db.family))
    assert found == []
    assert notes[0].startswith("denied: ")


def test_an_operator_without_any_right_is_denied_not_told_absent(shop: Shop) -> None:
    shop.run(f"GRANT SELECT ON {shop.schema}.users TO 'operator'@'%'")
    answer = shop.json("grant", "--check", user="operator", check=4)
    assert answer["error"]["code"] == "tables_hidden"


EXCESS = {
    "grant": ("GRANT DROP, REFERENCES ON {s}.rl_model_metadata TO {u}", "excess grant", "DROP, REFERENCES"),
    "all": ("GRANT ALL PRIVILEGES ON {s}.rl_model_metadata TO {u}", "excess grant", "CREATE, DROP, REFERENCES"),
    "columns": ("GRANT SELECT (id, version), UPDATE (id) ON {s}.rl_model_metadata TO {u}", "column grant", "(`id`"),
    "option": ("GRANT SELECT ON {s}.rl_model_metadata TO {u} WITH GRANT OPTION", "grant option", "GRANT OPTION"),
}


@pytest.mark.parametrize("case", EXCESS)
def test_excess_is_found_and_its_hint_mends_it(shop: Shop, case: str) -> None:
    sql, check, actual = EXCESS[case]
    shop.json("grant")
    shop.run(sql.format(s=shop.schema, u="'dsazuser'@'%'"))
    (finding,) = shop.json("grant", "--check", check=3)["data"]["findings"]
    assert (finding["check"], finding["object"], finding["expected"]) == (check, "rl_model_metadata", "none")
    assert actual in finding["actual"]
    assert any("in excess" in note for note in shop.json("grant")["notes"])
    shop.run(finding["hint"])
    assert shop.json("grant", "--check")["data"]["findings"] == []


def test_the_hint_of_what_is_missing_mends_it(shop: Shop) -> None:
    for finding in shop.json("grant", "--check", check=3)["data"]["findings"]:
        shop.run(finding["hint"])
    shop.json("grant", "--check")


def test_what_is_held_on_the_schema_is_a_note(shop: Shop) -> None:
    shop.run(f"GRANT SELECT, CREATE ON {shop.schema}.* TO 'dsazuser'@'%'", "GRANT INSERT ON *.* TO 'dsazuser'@'%'")
    assert [f["check"] for f in shop.json("grant", "--check", check=3)["data"]["findings"]] == ["grant"] * 3
    assert len(shop.json("grant")["steps"]) >= 3
    answer = shop.json("grant", "--check")
    assert answer["data"]["findings"] == []
    notes = "\n".join(answer["notes"])
    assert "CREATE, SELECT on the whole schema" in notes
    assert "INSERT on the whole server" in notes


def test_accounts_of_the_same_name_are_told(shop: Shop) -> None:
    """The server takes the most specific host: the application may be another account than the one that was granted."""
    if shop.family == "oceanbase":
        pytest.skip("on a socket only 'user'@'%' can log in")
    shop.json("grant")
    with accounts(shop.database, "'dsazuser'@'localhost'"):
        (note,) = shop.json("grant", "--check")["notes"]
        assert "'dsazuser'@'localhost'" in note
        assert note in shop.rlops("verify", "--output", "json").json["notes"]
        shop.run("DROP USER 'dsazuser'@'%'")
        answer = shop.json("grant", "--check", check=3)
        assert [each["check"] for each in answer["data"]["findings"]] == ["account"]
        assert "'dsazuser'@'localhost'" in answer["notes"][0]
        assert "'dsazuser'@'localhost'" in shop.json("grant", check=1)["error"]["hint"]
    assert shop.json("grant", "--create-user")["notes"] == []


def test_an_account_that_nobody_can_log_in_to_is_told(shop: Shop) -> None:
    if shop.family == "oceanbase":
        pytest.skip("it has no such accounts")
    shop.json("grant")
    shop.run("ALTER USER 'dsazuser'@'%' ACCOUNT LOCK", "ALTER USER 'dsazuser'@'%' PASSWORD EXPIRE")
    locked, expired = shop.json("grant", "--check")["notes"]
    assert "ACCOUNT UNLOCK" in locked
    assert "expired" in expired
    shop.run("ALTER USER 'dsazuser'@'%' ACCOUNT UNLOCK", f"ALTER USER 'dsazuser'@'%' IDENTIFIED BY '{PASSWORD}'")
    assert shop.json("grant", "--check")["notes"] == []


@contextmanager
def role(shop: Shop, *grants: str) -> Iterator[None]:
    def drop() -> None:
        with suppress(pymysql.MySQLError):
            shop.run("DROP ROLE rl_role")

    drop()
    shop.run("CREATE ROLE rl_role", *grants)
    try:
        yield
    finally:
        drop()


def test_excess_through_a_role_is_found(shop: Shop) -> None:
    shop.json("grant")
    given = (f"GRANT SELECT, DROP ON {shop.schema}.rl_model_metadata TO rl_role", "GRANT rl_role TO 'dsazuser'@'%'")
    with role(shop, *given):
        (finding,) = shop.json("grant", "--check", check=3)["data"]["findings"]
        assert finding["actual"].startswith("DROP, through the role 'rl_role'")
        shop.run(finding["hint"])
        shop.json("grant", "--check")


def test_an_operator_s_role_counts_when_it_is_active(shop: Shop) -> None:
    privileges = "SELECT, INSERT, UPDATE, DELETE, CREATE"
    given = [
        f"GRANT {privileges} ON {shop.schema}.* TO rl_role WITH GRANT OPTION", "GRANT SELECT ON mysql.* TO rl_role",
        "GRANT rl_role TO 'operator'@'%'", f"GRANT SELECT ON {shop.schema}.users TO 'operator'@'%'",
    ]  # fmt: skip
    with role(shop, *given):
        assert shop.json("grant", user="operator", check=4)["error"]["code"] in ("grants_hidden", "tables_hidden")
        shop.run(f"SET DEFAULT ROLE rl_role {'FOR' if shop.family == 'mariadb' else 'TO'} 'operator'@'%'")
        if shop.family == "oceanbase":  # an active role's rights don't let it look at that role
            shop.run("GRANT SELECT ON mysql.user TO 'operator'@'%'")
        shop.json("grant", user="operator")


NAMES = ["back`tick", "it's a", 'say "hi"', "100%_db", "größe", "a.b", "back\\slash"]


@pytest.mark.parametrize("name", NAMES)
def test_odd_schema_names(server: Any, make_database: Callable[[str], Any], tmp_path: Path, name: str) -> None:
    if server.family == "oceanbase" and ('"' in name or "\\" in name):
        pytest.skip("seekdb can't drop, or enter, such a schema")
    database = make_database(name)
    create_tables(database)
    with accounts(database, "'dsazuser'@'%'"):
        shop = Shop(database, tmp_path)
        shop.json("grant")
        shop.json("grant", "--check")
        assert shop.json("grant")["steps"] == []


@pytest.mark.parametrize("user", ["back`tick", "it's", "per%cent", "größe", "a@b"])
def test_odd_account_names(shop: Shop, user: str) -> None:
    folder = shop.tmp_path / "sql"
    shutil.copytree(SQL, folder)
    policy = folder / "policy.toml"
    policy.write_text(
        policy.read_text().replace('user = "dsazuser"', f'user = "{user}"').replace('host = "%"', 'host = "10.0.%"')
    )
    account = f"{lit(user)}@'10.0.%'"
    options = ("--sql-dir", str(folder))
    assert account in shop.json("grant", *options, check=1)["error"]["message"]
    with accounts(shop.database, account):
        if shop.family == "oceanbase" and "`" in user:
            assert "backtick" in shop.json("grant", *options, check=1)["error"]["hint"]
            return
        shop.json("grant", *options)
        shop.json("grant", "--check", *options)
        assert shop.json("grant", *options)["steps"] == []


def test_findings_for_verify(shop: Shop) -> None:
    with open_database(shop, "root") as db:
        sql = load(None, db.family)
        found, _ = grant.findings(db, sql)
        assert [finding["check"] for finding in found] == ["grant"] * 3
        shop.json("grant")
        assert grant.findings(db, sql) == ([], [])
        shop.run("DROP TABLE rl_model_metadata")
        found, notes = grant.findings(db, sql)
        assert found == []
        assert len(notes) == 1
        assert "DELETE on rl_model_metadata" in notes[0]
        shop.run("DROP USER 'dsazuser'@'%'")
        (finding,), _ = grant.findings(db, sql)
        assert (finding["check"], finding["actual"]) == ("account", "absent")


@contextmanager
def open_database(shop: Shop, user: str) -> Iterator[Database]:
    from rlops.settings.target import Secret

    arguments = shop.database.server.connect_args()
    password = Secret(PASSWORD) if user != "root" else Secret(arguments.get("password", ""))
    socket = arguments.get("unix_socket")
    origins = dict.fromkeys(("user", "socket", "host", "port", "password"), "test")
    target = Target(
        host=arguments.get("host"),
        port=arguments.get("port"),
        socket=Path(socket) if socket else None,
        user=user,
        password=password,
        database=shop.database.name,
        sources=origins,
    )
    try:
        db = Database(target, program="test", statement_limit=60, lock_wait=1)
    except Denied as error:
        pytest.fail(error.message)
    try:
        yield db
    finally:
        db.close()
