"""The SQL folder is checked when it is loaded: every broken file is refused with its name and line."""

from __future__ import annotations

import shutil

import pytest

from rlops import sqlfiles
from rlops.errors import Usage
from rlops.sqlfiles import Keywords

HEADER = "-- Says what it does.\n-- kind: read\n"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(sqlfiles.default_root(), tmp_path / "sql")
    return tmp_path / "sql"


def read(tmp_path, text, name="x/010_a.sql"):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return sqlfiles.read_file(path, tmp_path)


@pytest.mark.parametrize("family", sqlfiles.FAMILIES)
def test_the_folder_that_comes_with_rlops_loads(family):
    folder = sqlfiles.load(None, family)
    assert all(folder.file(key).key == key for key in folder.files)
    assert [file.key.split("/")[1][4:] for file in folder.group("create")] == [
        "user_product_interactions", "rl_model_metadata", "user_context_features",
    ]  # fmt: skip


def statement(path):
    return [line for line in path.read_text().splitlines() if not line.startswith("--")]


@pytest.mark.parametrize(
    "path", sorted(sqlfiles.default_root().glob("create/*.oceanbase.sql")), ids=lambda path: path.name
)
def test_a_table_on_seekdb_differs_by_its_collation_alone(path):
    base = statement(path.with_name(path.name.replace(".oceanbase", "")))
    assert statement(path) == [line.replace("utf8mb4_unicode_ci", "utf8mb4_general_ci") for line in base]


BROKEN = {
    "no header": ("SELECT 1", "kind"),
    "unknown kind": ("-- a\n-- kind: drop\nSELECT 1", ":2: the kind 'drop'"),
    "unknown name": (HEADER + "-- names: tabel\nSELECT 1 FROM {tabel}", ":4: rlops knows no name 'tabel'"),
    "unknown value": (HEADER + "-- values: cutof\nSELECT :cutof", ":4: rlops knows no value 'cutof'"),
    "undeclared name": (HEADER + "SELECT 1\nFROM {table}", ":4: the name 'table' is not declared"),
    "undeclared value": (HEADER + "SELECT :cutoff", ":3: the value 'cutoff' is not declared"),
    "unused name": (HEADER + "-- names: table\nSELECT 1", ":3: the name 'table' is declared and not used"),
    "unused value": (HEADER + "-- values: cutoff\nSELECT 1", ":3: the value 'cutoff' is declared and not used"),
    "two statements": (HEADER + "SELECT 1; SELECT 2", ":3: holds 2 statements"),
    "no statement": (HEADER + "\n", "holds 0 statements"),
    "a write that doesn't say what it needs": ("-- a\n-- kind: write\n-- locks: nothing\nDELETE", "what it needs"),
    "a write that doesn't say what it locks": ("-- a\n-- kind: destroy\n-- needs: DROP\nDROP", "what it locks"),
    "unknown algorithm": ("-- a\n-- kind: write\n-- algorithm: fast\nSELECT 1", "'fast' is none of"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_with_its_line(tmp_path, case):
    text, problem = BROKEN[case]
    with pytest.raises(Usage) as refused:
        read(tmp_path, text)
    assert problem in refused.value.message
    assert "010_a.sql" in refused.value.message


def test_an_unknown_engine_is_refused(tmp_path):
    with pytest.raises(Usage, match="'oracle' is not a family"):
        read(tmp_path, HEADER + "SELECT 1", "x/010_a.oracle.sql")


def test_an_upgrade_says_how_it_is_applied(tmp_path):
    head = (
        "-- a\n-- kind: write\n-- needs: ALTER\n-- locks: it\n-- table: t\n-- done: SELECT 1\n-- algorithm: inplace\n"
    )
    with pytest.raises(Usage, match="lacks ALGORITHM=INPLACE"):
        read(tmp_path, head + "ALTER TABLE t ADD COLUMN c INT", "upgrade/1--2/010_a.sql")
    with pytest.raises(Usage, match="-- done:"):
        read(
            tmp_path,
            head.replace("-- done: SELECT 1\n", "") + "ALTER TABLE t FORCE, ALGORITHM=INPLACE",
            "upgrade/1--2/010_b.sql",
        )
    read(tmp_path, head + "ALTER TABLE t ADD COLUMN c INT, ALGORITHM = inplace", "upgrade/1--2/010_c.sql")


def test_an_upgrade_that_may_copy_in_silence_is_refused(tmp_path):
    head = "-- a\n-- kind: write\n-- needs: ALTER\n-- locks: it\n-- table: t\n-- done: SELECT 1\n-- algorithm: "
    for number, text in enumerate(
        ("COMMENT 'ALGORITHM=INPLACE'", "/* ALGORITHM=INPLACE */ FORCE", "`ALGORITHM=INPLACE` INT")
    ):
        with pytest.raises(Usage, match="lacks ALGORITHM=INPLACE"):
            read(tmp_path, f"{head}inplace\nALTER TABLE t {text}", f"upgrade/1--2/01{number}_a.sql")
    with pytest.raises(Usage, match="`algorithm: new`, but its statement changes"):
        read(tmp_path, f"{head}new\nALTER TABLE t FORCE", "upgrade/1--2/020_b.sql")
    read(tmp_path, f"{head}new\n  create table u (id INT)", "upgrade/1--2/030_c.sql")


def test_an_override_replaces_the_base_file_on_its_family_only(folder):
    (folder / "cleanup" / "030_count_expired.mariadb.sql").write_text(
        "-- Count.\n-- kind: read\n-- values: cutoff\nSELECT 1 AS n FROM t WHERE `timestamp` < :cutoff"
    )
    assert "SELECT 1" in sqlfiles.load(folder, "mariadb").file("cleanup/030_count_expired").body
    assert "COUNT" in sqlfiles.load(folder, "mysql").file("cleanup/030_count_expired").body


def test_a_folder_without_a_file_or_without_policy_is_refused(folder):
    (folder / "cleanup" / "020_delete_rows.sql").rename(folder / "away")
    with pytest.raises(Usage, match=r"cleanup/020_delete_rows\.sql is missing"):
        sqlfiles.load(folder, "mysql")
    (folder / "away").rename(folder / "cleanup" / "020_delete_rows.sql")
    (folder / "policy.toml").unlink()
    with pytest.raises(Usage, match=r"policy\.toml: can't be read"):
        sqlfiles.load(folder, "mysql")
    with pytest.raises(Usage, match="is not a folder"):
        sqlfiles.load(folder / "nowhere", "mysql")


def test_names_are_quoted_and_values_bound_but_not_in_strings_or_comments(tmp_path):
    file = read(
        tmp_path,
        HEADER
        + "-- names: table\n-- values: cutoff\nSELECT '100% {x} :y', `a{b}`, \":z\" /* {c} :d */ FROM {table} WHERE t < :cutoff",
    )
    statement = file.statement({"table": "we`ird %s"}, {"cutoff": 1, "limit": 2})
    assert statement.sql == "SELECT '100%% {x} :y', `a{b}`, \":z\" /* {c} :d */ FROM `we``ird %%s` WHERE t < %(cutoff)s"
    assert statement.values == {"cutoff": 1}


def test_without_values_nothing_is_formatted(tmp_path):
    file = read(tmp_path, HEADER + "-- names: table\nSELECT '100%' FROM {table}")
    statement = file.statement({"table": "50%"})
    assert statement.sql == "SELECT '100%' FROM `50%`"
    assert statement.values is None


def test_lists_pairs_and_keywords():
    assert sqlfiles.identifiers(["a", "b`c"]) == "`a`, `b``c`"
    assert sqlfiles.identifiers([("a", "b"), ("c", "d")]) == "`a` TO `b`, `c` TO `d`"
    assert sqlfiles.identifiers(Keywords(("SELECT", "INSERT"))) == "SELECT, INSERT"


def test_a_name_that_the_operation_does_not_supply_is_refused(tmp_path):
    file = read(tmp_path, HEADER + "-- names: table\nSELECT 1 FROM {table}")
    with pytest.raises(Usage, match="'table', which is not supplied"):
        file.statement({})


def test_a_volatile_name_does_not_change_the_identity(tmp_path):
    file = read(tmp_path, HEADER + "-- names: table, backup\nSELECT 1 FROM {table}, {backup}")
    first, second = (file.statement({"table": "a", "backup": b}, volatile=("backup",)) for b in ("x_1", "x_2"))
    other = file.statement({"table": "b", "backup": "x_1"}, volatile=("backup",))
    assert first.identity == second.identity != other.identity


def test_a_statement_with_semicolons_in_a_body_is_one(tmp_path):
    trigger = "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN SET @a = 1; SET @b = ';'; END"
    assert read(tmp_path, HEADER + trigger + ";").body == trigger
    assert read(tmp_path, HEADER + "SELECT ';';").body == "SELECT ';'"
