"""The parser, the normal form and the comparison, on texts captured from real servers and on odd ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rlops.engines import detect
from rlops.errors import Denied, Failed, Usage
from rlops.structure import IndexPart, Trigger, compare, compare_triggers, normalise, parse_create_table, read_triggers
from rlops.structure.expression import canonical
from rlops.structure.live import read_table
from rlops.structure.normal import column_type
from rlops.structure.tokens import tokenize

CAPTURED = Path(__file__).parent / "show_create"
CREATE = Path(__file__).resolve().parents[2] / "sql" / "create"
FAMILIES = {"mysql": "mysql", "maria": "mariadb", "seekdb": "oceanbase", "tidb": "tidb"}


def family_of(server: str) -> str:
    return next(family for prefix, family in FAMILIES.items() if server.startswith(prefix))


def declared(table: str, family: str) -> str:
    own = sorted(CREATE.glob(f"*_{table}.{family}.sql"))
    return (own or sorted(CREATE.glob(f"*_{table}.sql")))[0].read_text()


class FakeServer:
    """Answers by the beginning of the statement."""

    family = "mysql"
    engine = detect("9.7.4")
    schema = "shop"

    def __init__(self, **answers):
        self.answers = answers

    def rows(self, sql, values=None):
        return self.answers["show" if sql.startswith("SHOW CREATE") else "grants" if "GRANTS" in sql else "triggers"]


@pytest.mark.parametrize("path", sorted(CAPTURED.glob("*/*.sql")), ids=lambda path: f"{path.parent.name} {path.stem}")
def test_a_clean_install_of_every_server_has_no_findings(path: Path) -> None:
    family = family_of(path.parent.name)
    live = read_table(FakeServer(show=[{"Create Table": path.read_text()}]), path.stem)
    assert compare(parse_create_table(declared(path.stem, family)), live, family) == []


def test_every_kind_of_definition() -> None:
    table = parse_create_table("""
        CREATE TABLE `s`.`t``t` (
          `a` int /*!80023 INVISIBLE */ DEFAULT '1' COMMENT 'it''s; -- no # comment /* at all',  # a comment
          b varchar(10) GENERATED ALWAYS AS (concat(`a`,_utf8mb4'x')) STORED, -- another
          UNIQUE KEY `u` (`a`,`b`(3) DESC) /*!80000 INVISIBLE */,
          KEY f ((lower(`b`))),
          CONSTRAINT `c` CHECK ((`a` > 1)) /*!80016 NOT ENFORCED */,
          CONSTRAINT fk FOREIGN KEY (a) REFERENCES other.p (id) ON UPDATE SET NULL
        ) ENGINE=InnoDB AUTO_INCREMENT=42 DEFAULT CHARSET=utf8 COMMENT='x' KEY_BLOCK_SIZE=4
        /*!50100 PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB, PARTITION p1 VALUES LESS THAN MAXVALUE) */
    """)
    first, second = table.columns
    assert (table.name, table.auto_increment, table.options) == ("t`t", 42, (("KEY_BLOCK_SIZE", "4"),))
    assert (first.extra, first.default, first.comment) == (("INVISIBLE",), "'1'", "it's; -- no # comment /* at all")
    assert second.generated == "(concat(a, 'x')) STORED"
    unique, functional = table.indexes
    assert unique.parts == (IndexPart("a"), IndexPart("b", 3, True))
    assert (unique.unique, unique.visible, functional.columns) == (True, False, "((lower(b)))")
    assert (table.checks[0].name, table.checks[0].enforced) == ("c", False)
    assert (table.foreign_keys[0].ref_schema, table.foreign_keys[0].on_update) == ("other", "SET NULL")
    assert [each.values for each in table.partitioning.partitions] == ["LESS THAN (10)", "LESS THAN (maxvalue)"]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("CREATE TABLE t (\n  a INT,\n  b INT FANCY\n)", "line 3.*FANCY"),
        ("CREATE TABLE t (a INT REFERENCES users (id))", "line 1.*FOREIGN KEY"),
        ("CREATE TABLE t (a SERIAL)", "SERIAL"),
        ("CREATE TABLE t (a TEXT(100))", r"TEXT\(n\)"),
        ("CREATE TABLE t (a INT,)", "unexpected end|expected a name"),
        ("CREATE TABLE t (a INT", "end"),
        ("CREATE TABLE t LIKE u", r"expected \("),
        ("CREATE TABLE t (a INT) AS SELECT 1", "line 1"),
        ("CREATE TABLE t (a INT); DROP TABLE t", "after the table's definition"),
        ("CREATE VIEW t AS SELECT 1", "expected TABLE"),
        ("CREATE TABLE t (a INT DEFAULT 'open)", "can't understand"),
        ("CREATE TABLE t (a INT, KEY k (a) FANCY)", "end"),
        ("CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES p (id) ON DELETE EXPLODE)", "expected an action"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(sql: str, message: str) -> None:
    with pytest.raises(Usage, match=message):
        parse_create_table(sql)


def test_a_live_table_that_is_not_understood_is_a_failure_not_bad_usage() -> None:
    with pytest.raises(Failed, match="SHOW CREATE TABLE t: line 1"):
        read_table(FakeServer(show=[{"Create Table": "CREATE TABLE t (a INT FANCY)"}]), "t")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a >= -1 AND a <= 10", "((`a` >= -(1)) and (`a` <= 10))"),
        ("a AND (b AND c)", "((`a` and `b`) and `c`)"),
        ("a BETWEEN 1 AND 2 OR b", "((`a` between 1 and 2) or `b`)"),
        ("a BETWEEN 1 AND 2", "`a` >= 1 and `a` <= 2"),
        ("NOT (a = 1 OR b LIKE 'x%')", "((`a` <> 1) and (not((`b` like _utf8mb4'x%'))))"),
        ("b NOT LIKE 'x'", r"(not((`b` like 'x' escape '\\')))"),
        ("a NOT IN (1, 2)", "(`a` not in (1,2))"),
        ("a IS NOT NULL", "(`a` is not null)"),
        ("!(a != b)", "(a = b)"),
        ("a || b && c", "a or (b and c)"),
        ("NOW()", "CURRENT_TIMESTAMP"),
        ("current_timestamp(3)", "NOW(3)"),
        ("LENGTH(x)", "octet_length(`x`)"),
        ("j->>'$.a'", "json_unquote(json_extract(`j`,_utf8mb4'$.a'))"),
        ("CAST(a AS CHAR(3))", "cast(`a` as char(3) charset utf8mb4)"),
        ("a MOD 2", "(`a` % 2)"),
        ("DATE_ADD(d, INTERVAL 1 DAY)", "(`d` + interval 1 day)"),
        ("CASE WHEN a = 1 THEN 2 ELSE 3 END", "(case when (`a` = 1) then 2 else 3 end)"),
        ("`s`.`t`.`a` = TRUE", "a = 1"),
        ("a + b * c", "(`a` + (`b` * `c`))"),
        ("a REGEXP 'x'", "regexp_like(a, 'x')"),
        ("'it''s'", r"'it\'s'"),
    ],
)
def test_one_expression_in_two_writings(one: str, other: str) -> None:
    assert canonical(tokenize(one)) == canonical(tokenize(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a AND (b OR c)", "a AND b OR c"),
        ("a - (b - c)", "a - b - c"),
        ("a = 'X'", "a = 'x'"),
        ("a > 1", "a >= 1"),
        ("NOT a = 1", "NOT (a = 1) = 1"),
        ("a IN (1, 2)", "a IN (2, 1)"),
        ("CAST(a AS CHAR)", "CAST(a AS BINARY)"),
        ("'CURRENT_TIMESTAMP'", "CURRENT_TIMESTAMP"),
        ("x'41'", "'41'"),
    ],
)
def test_different_expressions_stay_different(one: str, other: str) -> None:
    assert canonical(tokenize(one)) != canonical(tokenize(other))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("bigint(20)", "bigint"),
        ("bigint(20) unsigned", "bigint unsigned"),
        ("tinyint(1)", "tinyint(1)"),
        ("tinyint(4)", "tinyint"),
        ("boolean", "tinyint(1)"),
        ("integer", "int"),
        ("dec(5)", "decimal(5,0)"),
        ("numeric", "decimal(10,0)"),
        ("int zerofill", "int(10) unsigned zerofill"),
        ("year(4)", "year"),
        ("datetime(0)", "datetime"),
        ("datetime(6)", "datetime(6)"),
        ("float(30)", "double"),
        ("enum('a(','b')", "enum('a(','b')"),
        ("char", "char(1)"),
    ],
)
def test_types_have_one_name(written: str, meant: str) -> None:
    assert column_type(written) == meant


def test_what_only_oceanbase_writes() -> None:
    table = parse_create_table("""CREATE TABLE `t` (`id` int(11) NOT NULL, `s` text,
        FULLTEXT KEY `ft` (`s`) WITH PARSER ik PARSER_PROPERTIES=(ik_mode="smart") BLOCK_SIZE 16384 LOCAL
        ) ORGANIZATION INDEX AUTO_INCREMENT = 1 DEFAULT CHARSET = utf8mb4 PCTFREE = 0
        partition by range(id) subpartition by hash(id) subpartition template (
        subpartition `p0`, subpartition `p1`)
        (partition `p0` values less than (10))""")
    assert table.partitioning.partitions[0].values == "LESS THAN (10)"
    assert normalise(table, "oceanbase").options == ()


def test_a_column_inherits_its_tables_collation() -> None:
    table = parse_create_table("CREATE TABLE t (a CHAR(1), b CHAR(1) CHARACTER SET utf8, c INT) COLLATE utf8mb4_bin")
    collations = [column.collation for column in normalise(table, "mysql").columns]
    assert collations == ["utf8mb4_bin", "utf8mb3_general_ci", None]


def test_what_nobody_declared_is_the_servers_choice() -> None:
    plain = parse_create_table("CREATE TABLE t (a INT PRIMARY KEY, b CHAR(1))")
    live = parse_create_table("""CREATE TABLE `t` (`a` int NOT NULL, `b` char(1) DEFAULT NULL, PRIMARY KEY (`a`))
        ENGINE=InnoDB DEFAULT CHARSET=latin1 /*!80016 ENCRYPTION='Y' */""")
    assert compare(plain, live, "mysql") == []


def test_the_index_that_a_foreign_key_makes_is_no_finding() -> None:
    plain = parse_create_table("CREATE TABLE t (a INT, CONSTRAINT fk FOREIGN KEY (a) REFERENCES p (id))")
    live = "CREATE TABLE t (a INT DEFAULT NULL, KEY {} (a), CONSTRAINT fk FOREIGN KEY (a) REFERENCES p (id))"
    assert compare(plain, parse_create_table(live.format("fk")), "mysql") == []
    (finding,) = compare(plain, parse_create_table(live.format("other")), "mysql")
    assert (finding.check, finding.object, finding.expected) == ("index", "t.other", "absent")


def test_hints_quote_names() -> None:
    bare = parse_create_table("CREATE TABLE `a``b` (id INT)")
    more = parse_create_table("CREATE TABLE `a``b` (id INT DEFAULT NULL, `x``; DROP` INT DEFAULT NULL)")
    (finding,) = compare(bare, more, "mysql")
    assert finding.hint == "ALTER TABLE `a``b` DROP COLUMN `x``; DROP`"


def test_a_changed_key_is_mended_in_one_statement_under_a_free_name() -> None:
    with_key = "CREATE TABLE t (a INT DEFAULT NULL, KEY a (a), CONSTRAINT {} FOREIGN KEY (a) REFERENCES p (id){})"
    wanted = parse_create_table(with_key.format("fk", " ON DELETE CASCADE"))
    (same,) = compare(wanted, parse_create_table(with_key.format("fk", "")), "mysql")
    (other,) = compare(wanted, parse_create_table(with_key.format("old", "")), "mysql")
    assert same.hint.startswith("ALTER TABLE `t` DROP FOREIGN KEY `fk`, ADD CONSTRAINT `fk_2` FOREIGN KEY (a)")
    assert other.hint.startswith("ALTER TABLE `t` DROP FOREIGN KEY `old`, ADD CONSTRAINT fk FOREIGN KEY (a)")


def test_a_reference_into_another_schema_is_a_finding() -> None:
    sql = declared("user_context_features", "mysql")
    wanted = parse_create_table(sql)
    moved = replace(wanted, foreign_keys=(replace(wanted.foreign_keys[0], ref_schema="elsewhere"),))
    live = replace(normalise(moved, "mysql"), collation="utf8mb4_unicode_ci")
    (finding,) = [each for each in compare(wanted, live, "mysql") if each.check == "foreign_key"]
    assert "elsewhere.users" in finding.actual


TRIGGER = Trigger("tr", "t", "AFTER", "DELETE", "root@%", "SET @a = 1")


@pytest.mark.parametrize(
    ("grant", "seen"),
    [
        ("GRANT SELECT, TRIGGER ON `shop`.* TO `a`@`%`", True),
        ("GRANT TRIGGER ON `shop`.`t` TO `a`@`%`", True),
        ("GRANT ALL PRIVILEGES ON *.* TO `a`@`%` WITH GRANT OPTION", True),
        ("GRANT TRIGGER ON `sh%`.* TO `a`@`%`", True),
        ("GRANT TRIGGER ON `sh\\_p`.* TO `a`@`%`", False),
        ("GRANT TRIGGER ON `shop`.`other` TO `a`@`%`", False),
        ("GRANT SELECT ON *.* TO `a`@`%`", False),
        ("GRANT `trigger` ON `shop`.* TO `a`@`%`", False),
        ("GRANT `a_role`@`%` TO `a`@`%`", False),
    ],
)
def test_no_triggers_or_none_to_be_seen(grant: str, seen: bool) -> None:
    server = FakeServer(triggers=[], grants=[{"Grants": grant}])
    if seen:
        assert read_triggers(server, "t") == ()
    else:
        with pytest.raises(Denied, match="triggers"):
            read_triggers(server, "t")


def test_a_trigger_that_is_seen_needs_no_grant() -> None:
    assert read_triggers(FakeServer(triggers=[vars(TRIGGER)], grants=[]), "t") == (TRIGGER,)


def test_a_triggers_definer_counts() -> None:
    (finding,) = compare_triggers("t", (TRIGGER,), (replace(TRIGGER, definer="old@%"),))
    assert ("root@%" in finding.expected, "old@%" in finding.actual, finding.check) == (True, True, "trigger")
