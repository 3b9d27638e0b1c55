"""What a command needs, against what is held; and passwords, which no text shows."""

from __future__ import annotations

import string
from types import SimpleNamespace
from typing import Any

import pytest

from rlops import db, sqlfiles
from rlops.holdings import Account, Holdings, parse
from rlops.ops import grant_account, needs, requirements
from rlops.ops.needs import Need
from rlops.plan import StepResult
from rlops.settings import Secret


def server(family: str, run_lock: str = "get_lock") -> Any:
    engine = SimpleNamespace(can=SimpleNamespace(run_lock=run_lock))
    return SimpleNamespace(schema="s_1", family=family, engine=engine, rows=lambda *_: [])  # nothing is recorded there


def test_what_the_schema_gives_is_not_asked_for_again_on_its_tables() -> None:
    wanted = [Need(("SELECT", "UPDATE"), "journal", ""), Need(("SELECT",), "schema", "")]
    found = requirements.lacking(server("mysql"), wanted, Holdings())
    assert found == {
        ("s_1", None): ["SELECT"],
        ("s_1", "rlops_run"): ["UPDATE"],
        ("s_1", "rlops_step"): ["UPDATE"],
        ("s_1", "rlops_job"): ["UPDATE"],
    }
    account = Account("op", "%")
    assert (
        requirements.statements(found, account, Holdings()).splitlines()[0]
        == "GRANT UPDATE ON `s_1`.`rlops_run` TO 'op'@'%';"
    )
    assert "GRANT SELECT ON `s\\_1`.* TO 'op'@'%';" in requirements.statements(found, account, Holdings())


def test_a_grant_on_a_table_that_may_be_missing_keeps_create() -> None:
    wanted = [Need(("CREATE", "SELECT", "UPDATE"), "journal", ""), Need(("CREATE", "SELECT"), "schema", "")]
    found = requirements.lacking(server("mysql"), wanted, Holdings())
    assert found["s_1", "rlops_run"] == ["CREATE", "UPDATE"]


@pytest.mark.parametrize(
    ("family", "run_lock"), [("mysql", "get_lock"), ("mariadb", "get_lock"), ("oceanbase", "lease")]
)
@pytest.mark.parametrize("command", needs.NEEDS)
def test_the_printed_grants_give_what_is_needed(family: str, run_lock: str, command: str) -> None:
    at = server(family, run_lock)
    needs = requirements.needs(command, at)
    found = requirements.lacking(at, needs, Holdings())
    lines = requirements.statements(found, Account("op", "%"), Holdings()).splitlines()
    given = parse(line.rstrip(";").replace("'", "`") for line in lines)
    assert requirements.lacking(at, needs, given) == {}
    assert "DELETE on `s_1`.`rlops_run`" not in requirements.texts(found)


def test_needs_in_production() -> None:
    assert set(needs.commands("development")) - set(needs.commands("production")) == {
        "seed",
        "migrate --fresh",
    }


def test_a_generated_password_has_every_kind_of_character() -> None:
    made = {grant_account.generate().reveal() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        assert len(password) == grant_account.LENGTH
        for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.~"):
            assert set(password) & set(kind)


def test_no_text_shows_a_password() -> None:
    sql = sqlfiles.load(None, "mysql")
    one, other = (
        grant_account.create(sql, Account("app", "%"), Secret(text)).statement for text in ("pass-1", "pass-2")
    )
    assert one.identity == other.identity
    assert "pass-1" not in repr(one)
    assert db._bound(one.values, str) == {"user": "app", "host": "%", "password": "***"}
    assert db._bound(one.values, Secret.reveal) == {"user": "app", "host": "%", "password": "pass-1"}


@pytest.mark.parametrize(("status", "told"), [("done", True), ("unknown", True), ("failed", False)])
def test_a_password_is_told_once_the_account_may_have_it(status: Any, told: bool) -> None:
    tell = grant_account.told(Secret("pass-1"))
    assert tell([StepResult("create", grant_account.FILE, status)]) == ({"password": "pass-1"} if told else {})
    assert tell([]) == {}
