"""Every drift is found, none is invented, and each hint mends what it is for: on every real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from conftest import connect_args
from drift_cases import ALL, CASES, FILES, I, M, create_sql

from rlops.db import server_error
from rlops.engines import CAPABILITIES, detect
from rlops.errors import Denied
from rlops.sqlfiles import quote
from rlops.structure import (
    Finding,
    Other,
    Table,
    compare,
    compare_triggers,
    parse_create_table,
    read_table,
    read_triggers,
)


class Session:
    """A session as rlops sets it up, less its settings."""

    def __init__(self, server: Any, schema: str, **login: Any) -> None:
        self.schema = schema
        arguments = {"autocommit": True, "cursorclass": pymysql.cursors.DictCursor, "charset": "utf8mb4"}
        self.connection = pymysql.connect(**connect_args(server) | arguments | login)
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT VERSION() AS version")
            self.engine = detect(cursor.fetchone()["version"])
        self.family = self.engine.family
        limits = ["SET ob_query_timeout = 60000000"] if self.family == "oceanbase" else []
        for statement in (*CAPABILITIES[self.family].session, *limits):
            self.rows(statement)
        if schema and not login.get("bare"):
            self.rows(f"USE {quote(schema)}")

    def rows(self, sql: str, values: Any = None) -> list[dict[str, Any]]:
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql, values)
                return list(cursor.fetchall())
        except pymysql.err.MySQLError as error:
            raise server_error(error) from error

    def value(self, sql: str, values: Any = None) -> Any:
        found = self.rows(sql, values)
        return next(iter(found[0].values())) if found else None

    def create(self, *tables: str) -> None:
        for table in tables:
            self.rows(f"DROP TABLE IF EXISTS {table}")
            self.rows(create_sql(table, self.family))

    def findings(self, name: str) -> list[Finding]:
        live = read_table(self, name)
        assert isinstance(live, Table)
        return compare(parse_create_table(create_sql(name, self.family)), live, self.family)


def make_shop(session: Session, schema: str, options: str = "CHARACTER SET utf8mb4") -> None:
    session.rows(f"CREATE DATABASE {quote(schema)} {options}")
    session.rows(f"USE {quote(schema)}")
    session.schema = schema
    session.rows("CREATE TABLE users (id BIGINT AUTO_INCREMENT PRIMARY KEY, number BIGINT UNIQUE)")
    session.rows("CREATE TABLE product (id BIGINT AUTO_INCREMENT PRIMARY KEY)")
    session.rows("INSERT INTO users (number) VALUES (1), (2)")
    session.rows("INSERT INTO product VALUES (1), (2)")


@pytest.fixture(scope="module")
def shop(server) -> Iterator[Session]:
    """One schema with a shop and the three tables, for all cases of a server."""
    session = Session(server, "")
    schema = f"drift_{uuid.uuid4().hex[:8]}"
    make_shop(session, schema)
    session.create(*FILES)
    yield session
    session.rows(f"DROP DATABASE {quote(schema)}")
    session.connection.close()


@pytest.fixture(scope="module")
def dirty() -> set[str]:
    """The tables that a case has changed."""
    return set()


@pytest.fixture
def clean(shop: Session, dirty: set[str]) -> Session:
    """The three tables as declared."""
    shop.create(*dirty)
    dirty.clear()
    return shop


def found(findings: list[Finding], table: str) -> set[tuple[str, str]]:
    return {(each.check, each.object.removeprefix(table).removeprefix(".")) for each in findings}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_change_gives_its_findings_and_their_hints_mend_it(case, clean: Session, dirty: set[str]) -> None:
    if clean.family not in case.families:
        pytest.skip("not for this engine")
    if case.since and clean.engine.numbers < case.since.get(clean.family, ()):
        pytest.skip("not in this version")
    dirty.add(case.table)
    for change in case.changes:
        clean.rows(change)
    findings = clean.findings(case.table)
    assert found(findings, case.table) == case.expected, findings
    assert len(findings) == len(case.expected), findings
    for hint in dict.fromkeys(each.hint for each in findings):
        for statement in hint.split("; ALTER"):
            clean.rows(statement if statement.startswith("ALTER") else "ALTER" + statement)
    assert clean.findings(case.table) == []


@pytest.mark.parametrize("table", FILES)
def test_a_clean_install_has_no_findings(clean: Session, table: str) -> None:
    assert clean.findings(table) == []


@pytest.mark.parametrize(
    "options",
    [
        "CHARACTER SET latin1 COLLATE latin1_swedish_ci",
        "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "CHARACTER SET utf8mb3",
        "CHARACTER SET ascii",
    ],
)
def test_the_schemas_defaults_make_no_finding(server, options: str) -> None:
    session = Session(server, "")
    if session.family == "oceanbase":
        pytest.skip("seekdb has no other character sets")
    check_clean(session, f"drift_{uuid.uuid4().hex[:8]}", options)


@pytest.mark.parametrize("schema", ["drift `x` y", "drift-ü %s %(a)s", "drift 'q'", "drift.dot"])
def test_odd_schema_names_make_no_finding(server, schema: str) -> None:
    check_clean(Session(server, ""), schema, "CHARACTER SET utf8mb4")


def check_clean(session: Session, schema: str, options: str) -> None:
    make_shop(session, schema, options)
    try:
        session.create(*FILES)
        assert [session.findings(table) for table in FILES] == [[], [], []]
    finally:
        session.rows(f"DROP DATABASE {quote(schema)}")
        session.connection.close()


SETTINGS = [
    ("mysql mariadb", "SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')"),
    ("mysql mariadb", "SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')"),
    ("mysql mariadb", "SET SESSION sql_quote_show_create = OFF"),
    ("mysql", "SET SESSION show_create_table_verbosity = ON"),
    ("mysql", "SET SESSION sql_generate_invisible_primary_key = ON"),
    ("mysql", "SET SESSION explicit_defaults_for_timestamp = OFF"),
    ("mariadb", "SET SESSION explicit_defaults_for_timestamp = 1 - @@explicit_defaults_for_timestamp"),
    ("mariadb", "SET SESSION innodb_compression_default = ON"),
    ("mariadb", "SET SESSION default_storage_engine = MyISAM"),
    ("mariadb", "SET SESSION character_set_collations = 'utf8mb4=utf8mb4_general_ci'"),
    ("mysql mariadb", "SET NAMES latin1"),
    ("mysql mariadb", "SET SESSION collation_connection = utf8mb4_bin"),
]


@pytest.mark.parametrize(("families", "setting"), SETTINGS, ids=[setting for _, setting in SETTINGS])
def test_session_settings_make_no_finding(server, shop: Session, families: str, setting: str) -> None:
    """Tables made and read under the setting: someone else may have made them by hand."""
    session = Session(server, shop.schema)
    if session.family not in families.split():
        pytest.skip("not for this engine")
    try:
        session.rows(setting)
    except Exception as error:
        pytest.skip(f"not in this version: {error}")
    session.create(*FILES)
    assert [session.findings(table) for table in FILES] == [[], [], []]
    assert [shop.findings(table) for table in FILES] == [[], [], []]
    shop.create(*FILES)


@pytest.mark.parametrize("row_format", ["compact", "redundant"])
def test_another_default_row_format_makes_no_finding(clean: Session, dirty: set[str], row_format: str) -> None:
    if clean.family == "oceanbase":
        pytest.skip("no such variable")
    before = clean.rows("SELECT @@GLOBAL.innodb_default_row_format AS f")[0]["f"]
    dirty.add(M)
    try:
        clean.rows(f"SET GLOBAL innodb_default_row_format = {row_format}")
        clean.create(M)
        assert clean.findings(M) == []
    finally:
        clean.rows(f"SET GLOBAL innodb_default_row_format = {before}")


def test_data_and_maintenance_make_no_finding(clean: Session, dirty: set[str]) -> None:
    dirty.update((I, M))
    clean.rows(f"INSERT INTO {I} (user_id, product_id, interaction_type) VALUES (1, 1, 'VIEW'), (2, 2, 'CLICK')")
    clean.rows(f"ANALYZE TABLE {I}")
    if clean.family != "oceanbase":
        clean.rows(f"OPTIMIZE TABLE {I}")
        clean.rows(f"ALTER TABLE {I} FORCE")
        clean.rows(f"ALTER TABLE {I} AUTO_INCREMENT = 1000000")
        clean.rows(f"CHECK TABLE {I}")
    clean.rows(f"ALTER TABLE {I} ADD COLUMN note INT")
    clean.rows(f"ALTER TABLE {I} DROP COLUMN note")
    clean.rows(f"TRUNCATE TABLE {M}")
    assert clean.findings(I) == []
    assert clean.findings(M) == []
    if clean.family != "oceanbase":
        assert read_table(clean, I).auto_increment == 1000000


def test_a_copy_and_a_rename_make_no_finding(clean: Session, dirty: set[str]) -> None:
    dirty.add(M)
    clean.rows("CREATE TABLE copy LIKE rl_model_metadata")
    clean.rows(f"DROP TABLE {M}")
    clean.rows(f"ALTER TABLE copy RENAME TO {M}")
    assert clean.findings(M) == []


IN_OTHER_WORDS = """
create table if not exists {schema}.Declared (
  id int8 unsigned not null auto_increment primary key,
  `code` character varying(10) character set utf8mb4 collate utf8mb4_unicode_ci unique comment "it's \\"x\\"",
  a integer, b int4 default 007, c dec(5), d numeric(6,1) default 1.50, e fixed, f double precision default 1.0,
  g real default '2', h bool default true, i boolean not null default false, j char, k bit, l bit(3) default 5,
  m datetime(0) default now(), n timestamp(3) null default current_timestamp(3) on update current_timestamp(3),
  o date default '2024-01-01', p datetime default '2024-01-01', q enum('a','b''c') default 'a', r set('x') not null,
  s varchar(5) default 5, t float(10), u float(30), v tinyint(1) unsigned, w smallint(3), x year(4), y json, z text,
  aa int generated always as (a + b * 2) stored, ab varchar(20) as (concat(code, '-', j)) virtual,
  ac varchar(9) charset latin1, ad varchar(9) collate utf8mb4_bin, ae int default -1, af mediumint zerofill,
  -- a comment, with 'a quote
  constraint checked check ((a > 0 and b < 5 or not (c in (1, 2))) and char_length(code) between 1 and 10),
  check (d is not null && !(e <=> 3)), /* and another */
  check (case when a = 1 then b else mod(c, 2) end = 1),
  index by_many using btree (a asc, b, j), key (c), unique key (d, e), fulltext index ft (z),
  constraint parent foreign key (ag) references users (id) match simple on delete no action on update restrict,
  foreign key (ah) references {schema}.`product` (id) on delete set null,
  ag bigint, ah bigint
) engine innodb, character set = utf8mb4 collate utf8mb4_unicode_ci comment 'in other words'
"""


def test_a_declaration_in_other_words_makes_no_finding(shop: Session) -> None:
    if shop.family == "oceanbase":
        pytest.skip("it lacks half of these words")
    sql = IN_OTHER_WORDS.replace("{schema}", shop.schema)
    shop.rows(sql)
    live = read_table(shop, "Declared")
    shop.rows("DROP TABLE Declared")
    assert (
        compare(
            parse_create_table(IN_OTHER_WORDS.replace("{schema}.`product`", "product").replace("{schema}.", "")),
            live,
            shop.family,
        )
        == []
    )


def test_what_is_no_table(clean: Session) -> None:
    assert read_table(clean, "nothing") is None
    clean.rows("CREATE VIEW looks_like_one AS SELECT * FROM rl_model_metadata")
    assert read_table(clean, "looks_like_one") == Other("looks_like_one", "view")
    clean.rows("DROP VIEW looks_like_one")
    if clean.family == "mariadb":
        clean.rows("CREATE SEQUENCE counting")
        assert read_table(clean, "counting") == Other("counting", "sequence")
        clean.rows("DROP SEQUENCE counting")


def test_triggers_are_findings(clean: Session, dirty: set[str]) -> None:
    assert read_triggers(clean, I) == ()
    dirty.add(I)
    clean.rows(f"CREATE TRIGGER sneaky BEFORE INSERT ON {I} FOR EACH ROW SET NEW.reward = 1")
    triggers = read_triggers(clean, I)
    (finding,) = compare_triggers(I, (), triggers)
    assert (finding.check, finding.object, finding.expected) == ("trigger", f"{I}.sneaky", "absent")
    assert "BEFORE INSERT by root@" in finding.actual
    assert compare_triggers(I, triggers, triggers) == []
    clean.rows(finding.hint)
    assert read_triggers(clean, I) == ()
    (gone,) = compare_triggers(I, triggers, ())
    assert gone.actual == "absent"


@pytest.fixture
def account(server, clean: Session) -> Iterator[Any]:
    """`account(grants…)`: a session of an account that holds just these."""
    name = f"u_{uuid.uuid4().hex[:8]}"
    clean.rows(f"CREATE USER '{name}'@'%%' IDENTIFIED BY 'secret'".replace("%%", "%"))

    def login(*grants: str) -> Session:
        for grant in grants:
            clean.rows(f"GRANT {grant} TO '{name}'@'%'")
        return Session(server, clean.schema, user=name, password="secret")

    yield login
    clean.rows(f"DROP USER '{name}'@'%'")


def test_select_is_enough_to_read_a_table(account, clean: Session) -> None:
    reader = account(*(f"SELECT ON {quote(clean.schema)}.{table}" for table in FILES))
    assert [reader.findings(table) for table in FILES] == [[], [], []]
    with pytest.raises(Denied, match="triggers"):
        read_triggers(reader, I)


def test_hidden_is_not_absent(account, clean: Session) -> None:
    reader = account(f"SELECT ON {quote(clean.schema)}.{M}")
    with pytest.raises(Denied):
        read_table(reader, I)
    assert reader.findings(M) == []


@pytest.mark.parametrize("grant", ["TRIGGER ON {}." + I, "ALL ON {}.*", "SELECT, TRIGGER ON *.*"])
def test_no_triggers_can_be_told_from_hidden_ones(account, clean: Session, grant: str) -> None:
    reader = account(f"SELECT ON {quote(clean.schema)}.*", grant.format(quote(clean.schema)))
    assert read_triggers(reader, I) == ()


def test_every_engine_has_enough_cases() -> None:
    counts = {family: sum(family in case.families for case in CASES) for family in ALL}
    assert counts["mysql"] >= 100
    assert counts["mariadb"] >= 100
