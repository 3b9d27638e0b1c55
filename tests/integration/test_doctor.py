"""`rlops doctor` on real servers, and the least privileges that it names: each command runs with exactly those."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_grant import Shop, accounts, run

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


def test_root_has_all_that_is_needed(shop: Shop) -> None:
    before = shop.database.query("SHOW TABLES")
    data = doctor(shop)
    assert data["engine"]["tested"] is True
    assert data["findings"] == []
    assert data["schema"]["parents"] == {"users": "there", "product": "there"}
    assert set(data["schema"]["tables"].values()) == {"absent"}
    assert all(each["ok"] for each in data["commands"])
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


def prepare(shop: Shop, command: str) -> None:
    if command != "migrate":
        shop.rlops("migrate", *WRITES)
    if command in ("restore", "backups"):
        shop.rlops("rollback", "--yes")


COMMANDS = {
    "migrate": ("migrate", *WRITES),
    "grant": ("grant",),
    "verify": ("verify",),
    "cleanup": ("cleanup", "--months", "12", "--yes"),
    "monitor": ("monitor",),
    "history": ("history",),
    "rollback": ("rollback", "--yes"),
    "backups": ("backups", "list"),
    "restore": ("restore", "--yes"),
    "seed": ("seed", "--rows", "200", "--months", "2", *WRITES),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_runs_with_exactly_what_doctor_names(shop: Shop, command: str) -> None:
    prepare(shop, command)
    run(shop.database, *grants_for(shop, command))
    (after,) = (each for each in shop_commands(shop) if each["command"] == command)
    assert after["ok"] is True
    # Reading commands may have findings: the application account has no grants yet.
    answer = shop.rlops(*COMMANDS[command], "--output", "json", user="operator", check=None)
    assert answer.returncode in ((0, 3) if command in ("verify", "monitor") else (0,)), answer.stdout + answer.stderr


def shop_commands(shop: Shop) -> list[Any]:
    document = shop.rlops("doctor", "--output", "json", *WRITES, user="operator", check=None).json
    return list(document["data"]["commands"])
