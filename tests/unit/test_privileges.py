"""SHOW GRANTS as real servers print it (MySQL 9.7, MariaDB 10.11 and 11.8, seekdb 1.4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rlops.db import ServerError
from rlops.holdings import Account, Holdings, parse
from rlops.privileges import held_by

HASH = "IDENTIFIED BY PASSWORD '*B69027D44F6E5EDC07F1AEAD1477967B16F28227'"


@pytest.mark.parametrize(
    "line",
    [
        "GRANT SELECT, INSERT (`a`, `b`), UPDATE (`a`) ON `d_1%`.`t` TO `app`@`%`",
        "GRANT INSERT (`a`, `b`), UPDATE (`a`), SELECT ON `d_1%`.`t` TO 'app'",
    ],
)
def test_columns_are_told_from_whole_privileges(line: str) -> None:
    (grant,) = parse([line]).on_table("d_1%", "t")
    assert grant.privileges == {"SELECT"}
    assert dict(grant.columns) == {"INSERT": ("a", "b"), "UPDATE": ("a",)}
    assert not parse([line]).has("INSERT", "d_1%", "t")
    assert parse([line]).has("SELECT", "d_1%", "t")


@pytest.mark.parametrize(
    "line",
    [
        "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION",
        f"GRANT ALL PRIVILEGES ON *.* TO `op`@`%` {HASH} WITH GRANT OPTION",
        "GRANT ALL PRIVILEGES ON *.* TO 'root' WITH GRANT OPTION",
        f"GRANT ALL PRIVILEGES ON *.* TO `op`@`%` {HASH} REQUIRE SSL WITH GRANT OPTION MAX_QUERIES_PER_HOUR 5",
    ],
)
def test_all_on_the_server(line: str) -> None:
    held = parse([line])
    assert held.has("PROCESS")
    assert held.has("DROP", "shop", "t")
    assert held.has("GRANT OPTION", "shop", "t")


def test_all_leaves_out_grant_option() -> None:
    held = parse(["GRANT ALL PRIVILEGES ON `shop`.* TO `op`@`%`"])
    assert held.has("TRIGGER", "shop", "t")
    assert not held.has("GRANT OPTION", "shop", "t")
    assert not held.has("PROCESS")
    assert not held.has("SELECT", "other", "t")


def test_mysql_spells_out_and_has_dynamic_privileges() -> None:
    held = parse(
        [
            "GRANT SELECT, CREATE TEMPORARY TABLES, REPLICATION CLIENT ON *.* TO `op`@`%` WITH GRANT OPTION",
            "GRANT BINLOG_ADMIN,CONNECTION_ADMIN ON *.* TO `op`@`%`",
            "GRANT PROXY ON ``@`` TO `op`@`%` WITH GRANT OPTION",
            "GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `op`@`%`",
        ]
    )
    assert held.has("CONNECTION_ADMIN")
    assert held.has("REPLICATION CLIENT")
    assert not held.has("EXECUTE", "shop")
    assert len(held.grants) == 2


@pytest.mark.parametrize(
    ("lines", "roles"),
    [
        (["GRANT `r1`@`%`,`r``2`@`h` TO `op`@`%`"], (Account("r1", "%"), Account("r`2", "h"))),
        (["GRANT `r1` TO `op`@`%`", "SET DEFAULT ROLE `r1` FOR `op`@`%`"], (Account("r1", None),)),
        (["GRANT `r1` TO `root`@`localhost` WITH ADMIN OPTION"], (Account("r1", None),)),
    ],
)
def test_roles(lines: list[str], roles: tuple[Account, ...]) -> None:
    assert parse(lines) == Holdings(roles=roles)


def test_what_a_role_inside_a_role_holds_is_its_own() -> None:
    lines = ["GRANT `rb` TO `ra`", "GRANT SELECT ON `s`.`t` TO `ra`", "GRANT DROP ON `s`.`t` TO `rb`"]
    held = parse(lines, Account("ra", None))
    assert held.has("SELECT", "s", "t")
    assert not held.has("DROP", "s", "t")
    assert parse(lines).has("DROP", "s", "t")  # one's own SHOW GRANTS on MariaDB
    assert parse(["GRANT SELECT ON `s`.`t` TO PUBLIC"]).has("SELECT", "s", "t")


@pytest.mark.parametrize(
    ("on", "schema", "covered"),
    [
        (r"`shop\_1`", "shop_1", True),
        (r"`shop\_1`", "shopx1", False),
        ("`shop_1`", "shopx1", True),
        ("`shop%`", "shop_live", True),
        ("`shop%`", "ashop", False),
        (r"`100\%`", "100%", True),
        (r"`100\%`", "100x", False),
        ("`a``b`", "a`b", True),
        ("`a.b`", "a.b", True),
        ("`a.b`", "axb", False),
        ("`Shop`", "shop", False),
    ],
)
def test_a_schema_is_named_by_a_pattern(on: str, schema: str, covered: bool) -> None:
    assert parse([f"GRANT SELECT ON {on}.* TO `op`@`%`"]).has("SELECT", schema) is covered


def test_a_table_s_schema_is_no_pattern() -> None:
    held = parse(["GRANT SELECT ON `shop_%`.`t` TO `op`@`%`"])
    assert held.has("SELECT", "shop_%", "t")
    assert not held.has("SELECT", "shop_1", "t")


def test_only_the_most_specific_pattern_counts() -> None:
    held = parse([r"GRANT SELECT ON `shop%`.* TO `op`@`%`", r"GRANT INSERT ON `shop\_p`.* TO `op`@`%`"])
    assert held.has("INSERT", "shop_p")
    assert not held.has("SELECT", "shop_p")
    assert held.has("SELECT", "shop_q")


def test_partial_revokes() -> None:
    held = parse(["GRANT SELECT, INSERT ON *.* TO `op`@`%`", "REVOKE SELECT ON `shop_p`.* FROM `op`@`%`"])
    assert not held.has("SELECT", "shop_p", "t")
    assert held.has("INSERT", "shop_p", "t")
    assert held.has("SELECT", "shopxp", "t")
    literal = replace(parse([r"GRANT SELECT ON `shop\_p`.* TO `op`@`%`"]), literal=True)
    assert not literal.has("SELECT", "shop_p")
    assert literal.pattern("a_b") == "a_b"


def test_names_are_folded_where_the_server_folds_them() -> None:
    held = parse(["GRANT SELECT ON `shop`.`t` TO 'op'", "GRANT INSERT ON `shop`.* TO 'op'"])
    assert not held.has("SELECT", "Shop", "T")
    folded = replace(held, folds=True)
    assert folded.has("SELECT", "Shop", "T")
    assert folded.has("INSERT", "SHOP")


def test_seekdb_quotes_nothing_inside_names() -> None:
    held = parse(["GRANT SELECT ON `back`tick`.`t` TO 'it's'", "GRANT INSERT ON `dot.x`.* TO 'a'"])
    assert held.has("SELECT", "back`tick", "t")
    assert held.has("INSERT", "dot.x")


def test_a_pattern_is_escaped() -> None:
    assert Holdings().pattern("a_b%c\\d") == r"a\_b\%c\\d"


def test_sees() -> None:
    held = parse(["GRANT UPDATE (`a`) ON `s`.`t` TO `op`@`%`", "GRANT PROCESS ON *.* TO `op`@`%`"])
    assert held.sees("s", "t")
    assert not held.sees("s", "u")


def test_an_account_is_written_as_sql() -> None:
    assert str(Account("o'neil\\", "10.%")) == r"'o''neil\\'@'10.%'"
    assert str(Account("r", None)) == "'r'"


def test_what_everybody_holds_is_public_s() -> None:
    line = "GRANT DROP ON `s`.`t` TO PUBLIC"
    (grant,) = parse([line], Account("PUBLIC", None)).grants
    assert (grant.role, grant.privileges) == (Account("PUBLIC", None), {"DROP"})
    assert parse([line], Account("r", None)).grants == ()


class FakeServer:
    """Answers SHOW statements from a table; what it doesn't know has no grants."""

    schema = "s"

    def __init__(self, family: str, **grants: list[str]) -> None:
        self.family, self.grants = family, grants
        self.variables = {"lower_case_table_names": "0", "mandatory_roles": ""}

    def rows(self, sql: str, values: tuple[str, ...] = ()) -> list[dict[str, str]]:
        if "VARIABLES" in sql:
            return [{"Variable_name": name, "Value": value} for name, value in self.variables.items() if name in sql]
        name = values[0] if values else sql.split("`")[1]
        if name not in self.grants:
            raise ServerError(1141, "There is no such grant defined")
        return [{"Grants": line} for line in self.grants[name]]

    def row(self, sql: str) -> dict[str, str] | None:
        return next(iter(self.rows(sql)), None)


def held(server: FakeServer, account: Account) -> dict[str, set[str]]:
    """Who of its roles holds what on s.t."""
    found = held_by(server, account)  # type: ignore[arg-type]
    assert found is not None
    return {str(grant.role): set(grant.privileges) for grant in found.on_table("s", "t")}


@pytest.mark.parametrize(
    "text", ["r1,gone", "`r1`@`%`, 'gone'@'10.%'", "'r1'@'%',gone@localhost", '"r1"@"%" ,`go,ne`@`%`']
)
def test_mandatory_roles_are_everybody_s(text: str) -> None:
    server = FakeServer("mysql", app=["GRANT SELECT ON `s`.`t` TO `app`@`%`"], r1=["GRANT DROP ON `s`.`t` TO `r1`@`%`"])
    server.variables["mandatory_roles"] = text
    assert held(server, Account("app", "%")) == {"None": {"SELECT"}, "'r1'@'%'": {"DROP"}}


def test_public_is_everybody_s() -> None:
    server = FakeServer(
        "mariadb", app=["GRANT SELECT ON `s`.`t` TO `app`@`%`"], PUBLIC=["GRANT DROP ON `s`.`t` TO PUBLIC"]
    )
    assert held(server, Account("app", "%")) == {"None": {"SELECT"}, "'PUBLIC'": {"DROP"}}


def test_a_role_holds_its_own_itself_and_others_through_their_roles() -> None:
    inner = "GRANT DROP ON `s`.`t` TO `inner`"
    server = FakeServer(
        "mariadb", outer=["GRANT `inner` TO `outer`", "GRANT SELECT ON `s`.`t` TO `outer`", inner], inner=[inner]
    )
    assert held(server, Account("outer", None)) == {"None": {"SELECT"}, "'inner'": {"DROP"}}


def test_no_such_account() -> None:
    assert held_by(FakeServer("mysql"), Account("nobody", "%")) is None  # type: ignore[arg-type]
