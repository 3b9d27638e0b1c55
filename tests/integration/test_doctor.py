"""`rlops doctor` on real servers, and the least privileges that it names: each command runs with exactly those."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlparse
from conftest import ShopDatabase, fill_shop, run_cli
from test_archive import policy
from test_grant import PASSWORD, Shop, accounts, run

from rlops import engines
from rlops.clock import cutoff
from rlops.ops import needs, operators, requirements

WRITES = ("--environment", "development")


@pytest.fixture
def shop(database: Any, tmp_path: Path) -> Iterator[Shop]:
    with accounts(database, "'dsazuser'@'%'", "'operator'@'%'"):
        yield Shop(database, tmp_path)


def doctor(shop: Shop, *arguments: str, user: str | None = None, check: int = 0) -> Any:
    document = shop.rlops("doctor", "--output", "json", *arguments, user=user, check=check).json
    assert document["command"] == "doctor"
    assert document["exit_code"] == check
    return document["data"]


def grants_for(shop: Shop, command: str) -> list[str]:
    """What doctor tells an operator without any right to have granted for one command."""
    data = doctor(shop, *WRITES, user="operator", check=3)
    (found,) = (each for each in data["commands"] if each["command"] == command)
    assert found["ok"] is False
    return [line.rstrip(";") for line in found["grant"].splitlines()]


def refused_here(shop: Shop) -> set[str]:
    """The commands that the engine refuses as they are, whoever asks."""
    return {*engines.ONLINE, "partition expire"} if shop.family == "oceanbase" else set()


def test_root_has_all_that_is_needed(shop: Shop) -> None:
    before = shop.database.query("SHOW TABLES")
    data = doctor(shop)
    assert data["engine"]["tested"] is True
    assert data["findings"] == []
    assert data["schema"]["parents"] == {"users": "there", "product": "there"}
    assert set(data["schema"]["tables"].values()) == {"absent"}
    assert {each["command"] for each in data["commands"] if not each["ok"]} == refused_here(shop)
    assert data["environment"]["value"] == "production"
    assert "seed" not in [each["command"] for each in data["commands"]]
    assert {fact["name"] for fact in data["server"]} >= {
        "read_only",
        "binlog_format",
        "replicas connected",
        "disk free",
    }
    assert shop.database.query("SHOW TABLES") == before


def test_it_is_shown_as_tables(shop: Shop) -> None:
    shown = shop.rlops("doctor").stdout
    assert "Every command has what it needs." in shown
    run(shop.database, f"GRANT SELECT ON {shop.schema}.* TO 'operator'@'%'")
    shown = shop.rlops("doctor", user="operator", check=3).stdout
    assert "GRANT" in shown
    assert "optional, for" in shown


def test_a_schema_that_is_not_there_or_is_closed_to_the_account(shop: Shop) -> None:
    data = doctor(shop, user="operator", check=3)
    assert data["findings"][0]["check"] == "schema"
    assert set(data["schema"]["parents"].values()) == {"denied"}
    name = shop.database.name
    try:
        shop.database.name = "no_such_schema"
        data = doctor(shop, check=3)
    finally:
        shop.database.name = name
    assert (data["findings"][0]["object"], data["findings"][0]["actual"]) == ("no_such_schema", "it does not exist")


def test_missing_parents_are_a_finding(shop: Shop) -> None:
    run(shop.database, "DROP TABLE product")
    (finding,) = doctor(shop, check=3)["findings"]
    assert (finding["check"], finding["object"], finding["actual"]) == ("parent table", "product", "absent")


def test_what_may_not_be_seen_is_denied_not_absent(shop: Shop) -> None:
    run(shop.database, f"GRANT SELECT ON {shop.schema}.users TO 'operator'@'%'")
    data = doctor(shop, user="operator", check=3)
    assert data["schema"]["parents"] == {"users": "there", "product": "denied"}
    assert set(data["schema"]["tables"].values()) == {"denied"}


def test_no_login_is_exit_4(shop: Shop) -> None:
    shop.password_file.write_text("wrong")
    document = shop.rlops("doctor", "--output", "json", user="operator", check=4).json
    assert document["status"] == "denied"


OLD_ROW = (
    "INSERT INTO user_product_interactions (user_id, product_id, interaction_type, timestamp)"
    " VALUES (1, 1, 'VIEW', NOW() - INTERVAL 14 MONTH)"
)
FULL_CATCH_ALL = (  # with more rows than a split may copy
    "INSERT INTO user_product_interactions (user_id, product_id, interaction_type, timestamp) VALUES "
    + ", ".join(["(1, 1, 'VIEW', NOW() + INTERVAL 6 MONTH)"] * 5001)
)


def prepare(shop: Shop, command: str) -> None:
    if command.partition(" ")[0] != "migrate":
        shop.database.install()
    if (command in BINLOGGED or command in ONLINE) and shop.family == "mysql":
        run(shop.database, "SET GLOBAL log_bin_trust_function_creators = ON")
    if command == "partition expire":
        run(shop.database, OLD_ROW)
    if command in ONLINE:
        shop.rlops("partition", "enable", *([] if command == "partition finish" else ["--postpone-cut-over"]))
    expires = ("partition expire",) if shop.family != "oceanbase" else ()  # where it is refused on any table
    if command in ("partition disable", "partition ensure", "partition ensure --drain", *expires):
        shop.rlops("partition", "enable", "--offline")
    if command == "partition ensure --drain":
        run(shop.database, FULL_CATCH_ALL)
    if command in ("restore", "backups", "backups prune"):
        shop.rlops("rollback", "--yes")
    if command == "backups prune":  # the newest stays
        shop.rlops("migrate", *WRITES)
        shop.rlops("rollback", "--yes")
    if command in ("cleanup", "purge"):
        run(shop.database, OLD_ROW)
    if command in ("archive list", "archive verify", "archive restore", "archive erase"):
        shop.rlops("seed", "--rows", "200", "--months", "9", *WRITES)
        shop.rlops("archive", "run", *WRITES)
    if command == "archive erase":
        beside = "user_product_interactions__set_aside_x"
        run(
            shop.database,
            f"CREATE TABLE {beside} LIKE user_product_interactions",
            f"INSERT INTO {beside} SELECT * FROM user_product_interactions",
            "DELETE FROM users WHERE id = 1",
        )
    if command == "grant --create-user":
        run(shop.database, "DROP USER 'dsazuser'@'%'")


MONTH = f"{cutoff(datetime.now(UTC), 7):%Y-%m}"  # seeded, and older than what stays out of the archive
COMMANDS = {
    "migrate": ("migrate", *WRITES),
    "migrate --fresh": ("migrate", "--fresh", "--yes", *WRITES),
    "grant": ("grant",),
    "grant --create-user": ("grant", "--create-user"),
    "verify": ("verify",),
    "verify --smoke": ("verify", "--smoke"),
    "verify --data": ("verify", "--data"),
    "cleanup": ("cleanup", "--months", "12", "--yes"),
    "migrate --partitioned": ("migrate", "--partitioned", *WRITES),
    "partition status": ("partition", "status"),
    "partition enable": ("partition", "enable"),
    "partition disable": ("partition", "disable"),
    "partition cut-over": ("partition", "cut-over"),
    "partition finish": ("partition", "finish", "--yes"),
    "jobs abort": ("jobs", "abort"),
    "partition ensure": ("partition", "ensure", "--ahead", "5"),
    "partition ensure --drain": ("partition", "ensure", "--drain"),
    "partition expire": ("partition", "expire", "--months", "1", "--yes", *WRITES),
    "purge": ("purge", "--user", "1", "--yes"),
    "jobs": ("jobs", "list"),
    "archive run": ("archive", "run", *WRITES),
    "archive restore": ("archive", "restore", MONTH, "--to-table", "live", *WRITES),
    "archive list": ("archive", "list"),
    "archive verify": ("archive", "verify"),
    "maintain": ("maintain", "--yes", *WRITES),
    "archive erase": ("archive", "erase", "--confirm", "DATABASE"),
    "monitor": ("monitor",),
    "monitor --record": ("monitor", "--record", *WRITES),
    "history": ("history",),
    "rollback": ("rollback", "--yes"),
    "backups": ("backups", "list"),
    "backups prune": ("backups", "prune", "--older-than", "0", "--yes"),
    "restore": ("restore", "--yes"),
    "seed": ("seed", "--rows", "200", "--months", "9", *WRITES),
    "uninstall": ("uninstall", "--yes"),
}
BINLOGGED = ("migrate --partitioned", "partition enable", "partition ensure --drain")  # they make triggers
ONLINE = ("partition cut-over", "partition finish", "jobs abort")  # what enable has made ready; seekdb has none
LOOKING = ("verify", "monitor", "maintain")  # these may have findings: the application account has no grants yet


def operator_sql(shop: Shop, command: str) -> list[str]:
    """The statements of `doctor --grants` for one command, for the account `operator` with the tests' password."""
    data = doctor(shop, "--grants", *WRITES)
    (account,) = (each for each in data["accounts"] if each["command"] == command)
    text = "\n".join(account["statements"]).replace(account["account"], "'operator'@'%'").replace("…", PASSWORD)
    return [line.rstrip(";") for line in text.splitlines()]


def make_operator(shop: Shop, command: str) -> None:
    run(shop.database, "DROP USER 'operator'@'%'", *operator_sql(shop, command))


def carry_out(shop: Shop, command: str) -> Any:
    arguments = [shop.database.name if word == "DATABASE" else word for word in COMMANDS[command]]
    if shop.family == "oceanbase" and command == "partition enable":
        arguments.append("--offline")
    answer = shop.rlops(*arguments, "--output", "json", user="operator", check=None)
    good = (0, 3) if command.startswith(LOOKING) else (0,)
    if shop.family == "oceanbase" and command in ("partition disable", "partition ensure --drain", "partition expire"):
        good = (5,)  # it can't take partitions away or split one, nor is dropping one proven there
    assert answer.returncode in good, f"{command}: {answer.stdout}{answer.stderr}"
    return answer.json


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_runs_as_exactly_the_account_that_doctor_prints(shop: Shop, command: str) -> None:
    if shop.family == "oceanbase" and command in ONLINE:
        pytest.skip("it keeps its foreign keys, and changes its form --offline")
    prepare(shop, command)
    make_operator(shop, command)
    (line,) = (each for each in shop_commands(shop) if each["command"] == command)
    assert line["ok"] is (command not in refused_here(shop))
    carry_out(shop, command)


def test_the_account_that_purges_may_archive_too(shop: Shop) -> None:
    prepare(shop, "purge")
    make_operator(shop, "purge")
    wanted = policy(shop.database, purged="true")
    data = shop.rlops("purge", "--user", "1", "--yes", *wanted, *WRITES, "--output", "json", user="operator").json[
        "data"
    ]
    assert (data["deleted_rows"], data["archived_rows"]) == (1, 1)


def test_every_command_has_its_account() -> None:
    assert set(COMMANDS) == set(needs.NEEDS)


def test_one_account_runs_every_command(shop: Shop) -> None:
    make_operator(shop, operators.ALL)
    data = doctor(shop, *WRITES, user="operator")
    assert {each["command"] for each in data["commands"] if not each["ok"]} == refused_here(shop)
    order = (
        "migrate", "grant", "verify --smoke", "verify --data", "seed", "archive run", "archive list", "archive verify",
        "archive restore", "cleanup", "maintain", "purge", "jobs", "monitor", "monitor --record",
        "history", "rollback", "backups", "restore", "uninstall",
    )  # fmt: skip
    for command in order:
        carry_out(shop, command)


def test_the_grant_of_a_finding_mends_it(shop: Shop) -> None:
    run(shop.database, *grants_for(shop, "migrate"))
    carry_out(shop, "migrate")


def test_accounts_are_printed_as_sql(shop: Shop) -> None:
    before = shop.database.query("SHOW TABLES")
    shown = shop.rlops("doctor", "--grants").stdout
    statements = sqlparse.split(sqlparse.format(shown, strip_comments=True))
    assert all(re.fullmatch(r"(CREATE USER|GRANT)\s.*;", line, re.DOTALL) for line in statements)
    assert "CREATE USER 'rlops_operator'@'%' IDENTIFIED BY '…';" in statements
    assert not any("rlops_seed" in line or "fresh" in line for line in statements)  # production
    assert "run that after `rlops migrate`" in shown
    assert shop.database.query("SHOW TABLES") == before


MINIMAL = ("migrate", "grant", "rollback", "restore", "cleanup", "purge")


@pytest.mark.parametrize("command", MINIMAL)
def test_no_privilege_of_an_account_can_be_left_out(shop: Shop, command: str) -> None:
    """Without any single one the command is denied before anything is changed, and doctor says so."""
    if shop.database.server.label not in ("mysql-9.7", "mariadb-11.8"):
        pytest.skip("the same on one MySQL and one MariaDB is enough")
    prepare(shop, command)
    make_operator(shop, command)
    before = snapshot(shop)
    for revoke, give in single(operator_sql(shop, command)):
        run(shop.database, revoke)
        answer = shop.rlops(*COMMANDS[command], "--output", "json", user="operator", check=4).json
        assert answer["status"] == "denied", revoke
        commands = shop.rlops("doctor", "--output", "json", user="operator", check=3).json["data"]["commands"]
        assert [each["ok"] for each in commands if each["command"] == command] == [False], revoke
        run(shop.database, give)
    assert snapshot(shop) == before
    carry_out(shop, command)


def single(statements: list[str]) -> Iterator[tuple[str, str]]:
    """Each single privilege of these GRANTs: the statement that takes it away, and the one that gives it back.

    Not a table's CREATE beside the whole schema's: it is there so that the GRANT works before the table is.
    """
    everywhere = any(re.match(r"GRANT [^`]*CREATE\b[^`]* ON `[^`]*`\.\*", statement) for statement in statements)
    for statement in statements:
        match = re.fullmatch(r"GRANT (.*) ON (.*) TO (\S+)( WITH GRANT OPTION)?", statement)
        if not match:
            continue
        words, on, account, option = match.groups()
        for word in words.split(", "):
            if word == "CREATE" and everywhere and not on.endswith(".*"):
                continue
            yield f"REVOKE {word} ON {on} FROM {account}", statement
        if option:
            yield f"REVOKE GRANT OPTION ON {on} FROM {account}", statement


def snapshot(shop: Shop) -> list[Any]:
    tables = sorted(next(iter(row.values())) for row in shop.database.query("SHOW TABLES"))
    return [tables, *(shop.database.query(f"SHOW CREATE TABLE `{name}`") for name in tables), shop.grants()]


# command: (the privilege that is left out, its object); the server's own refusal, with rlops' check out of the way.
REFUSED_BY_THE_SERVER = [
    ("migrate", "CREATE", "user_product_interactions"),
    ("migrate", "REFERENCES", "users"),
    ("migrate", "INSERT", "rlops_step"),
    ("grant", "GRANT OPTION", "rl_model_metadata"),
    ("grant", "DELETE", "rl_model_metadata"),
    ("rollback", "DROP", "user_product_interactions"),
    ("rollback", "ALTER", ""),
    ("rollback", "INSERT", ""),
    ("rollback", "CREATE", ""),
    ("restore", "DROP", ""),
    ("restore", "ALTER", ""),
    ("restore", "REFERENCES", "product"),
    ("cleanup", "DELETE", "user_product_interactions"),
    ("cleanup", "SELECT", "user_product_interactions"),
]


@pytest.mark.parametrize(("command", "privilege", "table"), REFUSED_BY_THE_SERVER)
def test_the_server_refuses_without(
    shop: Shop, command: str, privilege: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shop.database.server.label not in ("mysql-9.7", "mariadb-11.8"):
        pytest.skip("the same on one MySQL and one MariaDB is enough")
    if privilege == "REFERENCES" and shop.family == "mariadb":
        pytest.skip("SELECT on the parent is enough there")
    prepare(shop, command)
    make_operator(shop, command)
    place = f".`{table}`" if table else ".*"
    (revoke,) = (
        revoke
        for revoke, _ in single(operator_sql(shop, command))
        if revoke.startswith(f"REVOKE {privilege} ON") and f"{place} FROM" in revoke
    )
    run(shop.database, revoke)
    monkeypatch.setattr(requirements, "check", lambda *_: None)
    answer = shop.rlops(*COMMANDS[command], "--output", "json", user="operator", check=None).json
    assert answer["exit_code"] in (1, 4), answer
    assert re.search("denied|may not|lacks", answer["error"]["message"]), answer


def shop_commands(shop: Shop) -> list[Any]:
    document = shop.rlops("doctor", "--output", "json", *WRITES, user="operator", check=None).json
    return list(document["data"]["commands"])


def test_a_read_only_server_blocks_every_writing_command(start_server: Any, tmp_path: Path) -> None:
    server = start_server("mariadb-11.8", "--read-only=ON", "--log-bin", "--binlog-ignore-db=elsewhere")
    tests = ShopDatabase(server, "shop", tmp_path)
    fill_shop(tests)
    with tests.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER op@'%'")
        cursor.execute("GRANT ALL PRIVILEGES ON shop.* TO op@'%' WITH GRANT OPTION")
        cursor.execute("GRANT SELECT ON mysql.* TO op@'%'")
        cursor.execute("GRANT CREATE USER ON *.* TO op@'%'")
    place = ("--socket", str(server.socket), "--user", "op", "--database", "shop", "--output", "json")
    data = run_cli("doctor", *place, home=tmp_path, check=3).json["data"]
    blocked = {each["command"].partition(" --")[0] for each in data["commands"] if each["blocked"]}
    assert blocked == {name.partition(" --")[0] for name in needs.WRITING} - {"seed"}
    assert {finding["check"] for finding in data["findings"]} == {"server"}
    facts = {fact["name"]: fact for fact in data["server"]}
    assert (facts["read_only"]["value"], facts["read_only"]["ok"]) == ("ON", False)
    assert facts["binlog filters"]["value"].startswith("unknown (needs BINLOG MONITOR)")
    assert facts["TLS"]["ok"] is True
    data = run_cli("doctor", *tests.options, "--output", "json", home=tmp_path, check=3).json[
        "data"
    ]  # root all the same
    facts = {fact["name"]: fact for fact in data["server"]}
    assert facts["binlog filters"]["value"] == "Binlog_Ignore_DB elsewhere"
    assert facts["replication filters"]["value"] == "none"
    assert re.match(r"[\d,]+ bytes in /", facts["disk free"]["value"])
