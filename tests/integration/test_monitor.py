"""`rlops monitor` on every engine: its numbers against a truth computed another way, and what it says without one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Answer, RemoteServer, ShopDatabase, quoted, run_cli

from rlops import sqlfiles
from rlops.db import connect
from rlops.ops import monitor as op
from rlops.ops.monitor import growth
from rlops.sandbox.server import RunningServer
from rlops.settings import Target

INTERACTIONS = "user_product_interactions"
TABLES = {INTERACTIONS, "rl_model_metadata", "user_context_features"}
CONTEXT = '{"category_id": 5, "price_range": {"min": 10, "max": 20}, "device_type": "mobile", "position": 3}'
ODD = "shöp 100% `x`"
SIBLING = "shop 100% `x`"  # the same to an accent-insensitive comparison


def create(database: ShopDatabase) -> None:
    for file in sqlfiles.load(None, database.server.family).group("create"):
        database.query(file.statement().sql)


def fill(database: ShopDatabase, rows: int, days: int = 40) -> None:
    """`rows` interactions, evenly spread over the last `days`."""
    step = days * 86_400 / rows
    with database.connect() as connection, connection.cursor() as cursor:
        for start in range(0, rows, 2_000):
            values = ", ".join(
                f"({n % 20 + 1}, {n % 19 + 1}, 'VIEW', 'session-{n:032d}', NOW() - INTERVAL {int(n * step)} SECOND,"
                f" '{CONTEXT}', 0.1)"
                for n in range(start, min(start + 2_000, rows))
            )
            cursor.execute(
                f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, session_id, timestamp, context,"
                f" reward) VALUES {values}"
            )


def monitor(database: ShopDatabase, *arguments: str, check: int = 0) -> Any:
    return database.cli("monitor", "--output", "json", *arguments, check=check).json


def monitor_as(database: ShopDatabase, user: str, *arguments: str) -> Answer:
    server = database.server
    assert isinstance(server, RunningServer)
    options = ("--socket", str(server.socket), "--user", user, "--database", database.name)
    return run_cli("monitor", *options, *arguments, home=database.home)


def probes(document: Any) -> dict[str, str]:
    return {probe["name"]: probe["status"] for probe in document["data"]["probes"]}


def table(document: Any, name: str = INTERACTIONS) -> Any:
    return next(each for each in document["data"]["tables"] if each["name"] == name)


def with_policy(tmp_path: Path, **changed: str) -> tuple[str, str]:
    """--sql-dir and a copy of the folder whose policy.toml has these lines in place of its own."""
    folder = tmp_path / f"sql{len(list(tmp_path.iterdir()))}"
    shutil.copytree(sqlfiles.default_root(), folder)
    policy = folder / "policy.toml"
    text = policy.read_text()
    for key, value in changed.items():
        text, count = re.subn(rf"(?m)^{key} = [^#\n]*", f"{key} = {value} ", text)
        assert count == 1, key
    policy.write_text(text)
    return ("--sql-dir", str(folder))


def levels(document: Any) -> dict[str, str]:
    return {each["check"]: each["level"] for each in document["data"]["findings"]}


def index(document: Any, name: str) -> Any:
    return next(each for each in document["data"]["indexes"] if each["name"] == name)


def files(server: RunningServer, pattern: str) -> list[Path]:
    return [path for path in (server.directory / "data").glob("*/*.ibd") if path.name.lower().startswith(pattern)]


def local(database: ShopDatabase) -> RunningServer:
    if not isinstance(database.server, RunningServer):
        pytest.skip("needs a server of our own")
    return database.server


def test_numbers_are_true(database: ShopDatabase) -> None:
    create(database)
    fill(database, 12_000)
    document = monitor(database)
    assert document["status"] == "ok"
    assert {each["name"] for each in document["data"]["tables"]} == TABLES
    found = table(document)
    assert (found["rows"], found["rows_estimated"], found["rows_source"]) == (12_000, False, "COUNT(*)")
    assert table(document, "rl_model_metadata")["rows"] == 0

    measured = document["data"]["growth"]
    truth = database.query(
        f"SELECT COUNT(*) AS n FROM {INTERACTIONS}"
        " WHERE timestamp >= CURDATE() - INTERVAL 28 DAY AND timestamp < CURDATE()"
    )[0]["n"]
    assert measured["rows_per_day"] == round(truth / 28, 1)
    assert measured["rows_per_day_estimated"] is False
    assert measured["planned_rows_per_day"] == 500_000
    if database.server.family == "oceanbase":
        assert measured["bytes_per_year"] is None
        assert "compacted" in measured["reason"]
    else:
        assert 300 < measured["bytes_per_row"] < 1_200
        assert measured["bytes_per_year"] == pytest.approx(
            measured["rows_per_day"] * 365 * measured["bytes_per_row"], abs=1
        )


def test_file_bytes_are_those_on_the_disk(database: ShopDatabase) -> None:
    server = local(database)
    if server.family == "oceanbase":
        pytest.skip("seekdb keeps all tables in one file")
    create(database)
    fill(database, 3_000)
    document = monitor(database)
    for name in TABLES:
        on_disk = [path for path in files(server, f"{name}.") if path.parent.name == database.name]
        assert table(document, name)["file_bytes"] == on_disk[0].stat().st_size


def test_odd_schema_name_is_told_from_its_sibling(server: Any, make_database: Callable[[str], ShopDatabase]) -> None:
    if server.family == "oceanbase":
        pytest.skip("to seekdb the two are one name (1007)")
    odd, sibling = make_database(ODD), make_database(SIBLING)
    for database, rows in ((odd, 6_000), (sibling, 500)):
        create(database)
        fill(database, rows)
    found, other = monitor(odd), monitor(sibling)
    assert (table(found)["rows"], table(other)["rows"]) == (6_000, 500)
    assert probes(found)["file_sizes"] == "ok"
    assert found["target"]["database"] == ODD
    paths = [path for path in files(local(odd), f"{INTERACTIONS}.") if path.parent.name.startswith("sh")]
    assert {table(found)["file_bytes"], table(other)["file_bytes"]} == {path.stat().st_size for path in paths}
    assert len(paths) == 2
    assert (table(found)["files"], table(other)["files"]) == (1, 1)


def test_each_denied_probe_names_the_grant_that_mends_it(make_database: Callable[[str], ShopDatabase]) -> None:
    database = make_database(ODD)
    local(database)
    create(database)
    fill(database, 500)
    database.query("DROP USER IF EXISTS ro@'%'")
    database.query("CREATE USER ro@'%'")
    whole = "*.*" if database.server.family == "oceanbase" else f"{quoted(ODD)}.*"
    database.query(f"GRANT SELECT ON {quoted(ODD)}.* TO ro@'%'")
    try:
        document = monitor_as(database, "ro", "--output", "json").json
        assert table(document)["rows"] == 500
        assert table(document)["file_bytes"] is None
        denied = [probe for probe in document["data"]["probes"] if probe["status"] == "denied"]
        both = {"file_sizes", "index_sizes", "triggers", "transactions", "lock_waits", "replication"}
        wanted = {"mysql": both | {"index_usage", "statements", "foreign_key_errors", "history_list"}, "mariadb": both}
        expected = wanted.get(
            database.server.family, {"file_sizes", "index_sizes", "statements", "triggers", "transactions"}
        )
        assert {probe["name"] for probe in denied} == expected, whole
        for grant in {grant for probe in denied for grant in probe["needs"].split("; ")}:
            database.query(grant)
        again = monitor_as(database, "ro", "--output", "json").json
        assert {status for name, status in probes(again).items() if name in expected} == {"ok"}
        assert table(again)["file_bytes"] is not None
    finally:
        database.query("DROP USER ro@'%'")


def test_an_account_that_sees_nothing(database: ShopDatabase) -> None:
    local(database)
    create(database)
    database.query("DROP USER IF EXISTS blind@'%'")
    database.query("CREATE USER blind@'%'")
    database.query(f"GRANT SELECT ON {quoted(database.name)}.users TO blind@'%'")
    try:
        document = monitor_as(database, "blind", "--output", "json").json
        structure = next(probe for probe in document["data"]["probes"] if probe["name"] == "structure")
        assert structure["status"] == "denied"
        database.query(structure["needs"])
        assert {
            each["name"] for each in monitor_as(database, "blind", "--output", "json").json["data"]["tables"]
        } == TABLES
    finally:
        database.query("DROP USER blind@'%'")


def test_no_tables(database: ShopDatabase) -> None:
    before = database.query("SHOW TABLES")
    document = monitor(database)
    assert document["data"]["tables"] == []
    assert set(document["data"]["absent"]) == TABLES
    assert "rlops migrate" in document["next"]
    assert document["data"]["growth"]["rows_per_day"] is None
    assert database.query("SHOW TABLES") == before
    assert "none of the recommender's tables" in database.cli("monitor").stdout


def test_empty_tables(database: ShopDatabase) -> None:
    create(database)
    before = database.query("SHOW TABLES")
    document = monitor(database)
    assert {each["name"]: each["rows"] for each in document["data"]["tables"]} == dict.fromkeys(TABLES, 0)
    measured = document["data"]["growth"]
    assert (measured["rows_per_day"], measured["bytes_per_row"], measured["times_plan"]) == (None, None, None)
    assert measured["reason"] == "there are no interactions yet"
    assert database.query("SHOW TABLES") == before


def test_a_view_of_the_name_is_no_table(database: ShopDatabase) -> None:
    database.query(f"CREATE VIEW {INTERACTIONS} AS SELECT id FROM users")
    document = monitor(database)
    assert set(document["data"]["absent"]) == TABLES


def test_growth_past_the_plan_is_a_finding(database: ShopDatabase, tmp_path: Path) -> None:
    if database.server.family == "oceanbase":
        pytest.skip("seekdb has no bytes a row")
    create(database)
    fill(database, 11_000)
    folder = with_policy(tmp_path, bytes_per_year="10_000_000")
    document = monitor(database, *folder, check=3)
    measured = document["data"]["growth"]
    assert document["status"] == "findings"
    assert measured["times_plan"] == pytest.approx(measured["bytes_per_year"] / 10_000_000, abs=0.001)
    shown = database.cli("monitor", *folder, check=3).stdout
    assert f"{measured['times_plan']:.1f} times the plan of 10.0 MB" in shown.splitlines()[0]


def test_many_rows_are_sampled(database: ShopDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than COUNT_UP_TO rows within the days, so that windows are counted instead."""
    server = local(database)
    create(database)
    fill(database, 12_000, days=30)
    monkeypatch.setattr(growth, "COUNT_UP_TO", 1_000)
    place = {"host": None, "port": None, "socket": server.socket}
    with connect(Target(**place, user="root", database=database.name, sources={}), program="test") as db:
        measured = op.monitor(db, sqlfiles.load(None, db.family)).data["growth"]
    assert measured["rows_per_day_estimated"] is True
    assert "41 windows" in measured["source"]
    assert measured["rows_per_day"] == pytest.approx(400, rel=0.1)


def test_partitioned_table(database: ShopDatabase) -> None:
    server = local(database)
    create(database)
    fill(database, 1_500)
    if server.family == "oceanbase":
        pytest.skip("seekdb keeps all tables in one file")
    for key in ("user", "product"):
        database.query(f"ALTER TABLE {INTERACTIONS} DROP FOREIGN KEY fk_{INTERACTIONS}_{key}")
    database.query(f"ALTER TABLE {INTERACTIONS} DROP PRIMARY KEY, ADD PRIMARY KEY (id, timestamp)")
    database.query(
        f"ALTER TABLE {INTERACTIONS} PARTITION BY RANGE COLUMNS (timestamp) (PARTITION `p old` VALUES LESS THAN"
        " ('2020-01-01'), PARTITION p_future VALUES LESS THAN (MAXVALUE))"
    )
    document = monitor(database, check=3)
    on_disk = [path for path in files(server, f"{INTERACTIONS}#p#") if path.parent.name == database.name]
    found = table(document)
    assert (found["rows"], found["files"]) == (1_500, 2)
    assert found["file_bytes"] == sum(path.stat().st_size for path in on_disk)
    parts = {part["name"]: part["size_bytes"] for part in document["data"]["partitions"]["partitions"]}
    sizes = {path.name.lower(): path.stat().st_size for path in on_disk}
    odd = next(size for name, size in sizes.items() if "old" in name)
    future = next(size for name, size in sizes.items() if "future" in name)
    assert parts == {"p old": odd, "p_future": future}
    assert levels(document)["foreign_key"] == "warning"
    assert document["data"]["growth"]["rows_per_day"] is not None
    assert [key["columns"] for key in document["data"]["foreign_keys"]["missing"]] == [["user_id"], ["product_id"]]


def test_index_use_on_mysql(database: ShopDatabase, tmp_path: Path) -> None:
    if database.server.family != "mysql":
        pytest.skip("the others don't count by default")
    create(database)
    fill(database, 500)
    at_once = with_policy(tmp_path, evidence_days="0")
    for _ in range(2):
        document = monitor(database, *at_once)
        for each in document["data"]["indexes"]:
            if each["needed_by"] is None:
                assert (each["reads"], each["used"]) == (0, False), f"monitor's own reads count for {each['name']}"
            else:
                assert each["used"] is not False
    unread = {index["name"]: index["used"] for index in monitor(database)["data"]["indexes"]}
    assert False not in unread.values(), "unused, on a day's evidence"
    database.query(
        f"SELECT COUNT(reward) FROM {INTERACTIONS} FORCE INDEX (idx_session) WHERE session_id < 'session-01'"
    )
    document = monitor(database, *at_once)
    assert index(document, "idx_session")["used"] is True
    assert index(document, "idx_session")["reads"] == 500
    assert index(document, "idx_interaction_type")["used"] is False
    assert index(document, "PRIMARY")["needed_by"] == "primary key"
    assert index(document, "unique_user")["needed_by"] == "unique key"
    assert index(document, "idx_user_timestamp")["needed_by"].startswith("foreign key")


def test_redundant_index(database: ShopDatabase) -> None:
    create(database)
    database.query(f"CREATE INDEX idx_more ON {INTERACTIONS} (session_id, reward)")
    document = monitor(database)
    assert index(document, "idx_session")["redundant_with"] == "idx_more"
    others = [each for each in document["data"]["indexes"] if each["name"] != "idx_session"]
    assert {each["redundant_with"] for each in others} == {None}
    (advice,) = (each for each in document["data"]["findings"] if each["check"] == "index_redundant")
    assert (advice["level"], advice["object"]) == ("advice", f"{INTERACTIONS}.idx_session")
    assert "ALTER TABLE" in advice["command"]


def test_statements_are_the_shops_own(database: ShopDatabase) -> None:
    if database.server.family == "mariadb":
        pytest.skip("MariaDB's performance schema is off by default")
    if database.server.family == "mysql":  # the other tests have filled it, and a full one takes no new statement
        database.query("TRUNCATE performance_schema.events_statements_summary_by_digest")
    if database.server.family == "oceanbase":
        database.query("ALTER SYSTEM FLUSH PLAN CACHE")
    create(database)
    fill(database, 500)
    for _ in range(3):
        database.query(f"SELECT MAX(reward) FROM {INTERACTIONS} WHERE interaction_type = 'VIEW'")
        statements = monitor(database)["data"]["statements"]
    assert not [each for each in statements if "rlops_" in each["statement"]]
    found = next(each for each in statements if "reward" in each["statement"] and "MAX" in each["statement"])
    assert found["executions"] >= 2
    assert 0 < found["mean_seconds"] <= found["total_seconds"] < 60


def test_foreign_key_errors(database: ShopDatabase) -> None:
    create(database)
    errors = monitor(database)["data"]["foreign_keys"]["errors"]
    if database.server.family != "mysql":
        assert errors == {"parent_refused": None, "child_refused": None, "source": None}
        return
    with database.connect() as connection, connection.cursor() as cursor, pytest.raises(Exception, match="1452"):
        cursor.execute(f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type) VALUES (999, 1, 'VIEW')")
    document = monitor(database)
    assert document["data"]["foreign_keys"]["errors"]["child_refused"] == errors["child_refused"] + 1
    assert "server-wide" in document["data"]["foreign_keys"]["errors"]["source"]
    assert len(document["data"]["foreign_keys"]["present"]) == 3


def test_a_locked_table_doesnt_fail_the_command(database: ShopDatabase) -> None:
    if database.server.family == "oceanbase":
        pytest.skip("seekdb has no LOCK TABLES")
    create(database)
    fill(database, 100)
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLES {INTERACTIONS} WRITE")
        document = monitor(database)
    assert "unavailable" in probes(document).values()
    assert "LOCK holds the table" in " ".join(probe["needs"] or "" for probe in document["data"]["probes"])


def test_shown_in_a_pipe_of_80_columns(database: ShopDatabase) -> None:
    create(database)
    fill(database, 11_000)
    shown = database.cli("monitor", env={"COLUMNS": "80"}).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "\x1b" not in shown
    for text in (INTERACTIONS, "11,000", "idx_product_timestamp", "unique_model_version", "500,000", "25.0 GB"):
        assert text in shown


@pytest.fixture
def maria(start_server: Callable[..., RunningServer], tmp_path: Path) -> Callable[..., ShopDatabase]:
    def begin(*options: str) -> ShopDatabase:
        from conftest import fill_shop

        database = ShopDatabase(start_server("mariadb-11.8", *options), "shop", tmp_path)
        fill_shop(database)
        create(database)
        fill(database, 500)
        return database

    return begin


def usage(document: Any) -> Any:
    return next(probe for probe in document["data"]["probes"] if probe["name"] == "index_usage")


def test_mariadb_with_performance_schema(maria: Callable[..., ShopDatabase], tmp_path_factory: Any) -> None:
    at_once = with_policy(tmp_path_factory.mktemp("sql"), evidence_days="0")
    database = maria("--performance-schema=ON")
    database.query(f"SELECT COUNT(reward) FROM {INTERACTIONS} FORCE INDEX (idx_session) WHERE session_id > 'a'")
    document = monitor(database, *at_once)
    assert probes(document)["statements"] == "ok"
    assert usage(document)["source"].startswith("performance_schema.")
    assert (index(document, "idx_session")["used"], index(document, "idx_interaction_type")["used"]) == (True, False)
    switch = "UPDATE performance_schema.setup_instruments SET ENABLED = '{}' WHERE NAME = 'wait/io/table/sql/handler'"
    database.query(switch.format("NO"))
    off = monitor(database, *at_once)
    assert (usage(off)["status"], usage(off)["needs"]) == ("unavailable", switch.format("YES"))
    assert index(off, "idx_interaction_type")["used"] is None


def test_mariadb_with_userstat(maria: Callable[..., ShopDatabase]) -> None:
    database = maria()
    document = monitor(database)
    assert usage(document)["status"] == "unavailable"
    assert "SET GLOBAL userstat = 1" in usage(document)["needs"]
    assert index(document, "idx_session")["used"] is None
    database.query("SET GLOBAL userstat = 1")
    database.query(f"SELECT COUNT(reward) FROM {INTERACTIONS} FORCE INDEX (idx_session) WHERE session_id > 'a'")
    for _ in range(2):
        document = monitor(database)
        assert usage(document)["source"].startswith("information_schema.INDEX_STATISTICS")
        assert index(document, "idx_session")["used"] is True
        assert index(document, "idx_interaction_type")["used"] is None, "nobody knows since when userstat counts"


def test_remote_servers_are_read_too(database: ShopDatabase) -> None:
    if not isinstance(database.server, RemoteServer):
        pytest.skip("for RLOPS_TEST_SERVERS")
    create(database)
    assert probes(monitor(database))["structure"] == "ok"
