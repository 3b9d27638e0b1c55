"""`rlops monitor --record`, --watch, --textfile and the forms for programs."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import CACHE, Answer, ShopDatabase, fill_shop, run_cli
from prometheus_client.parser import text_string_to_metric_families
from test_monitor import INTERACTIONS, create, fill, index, local, monitor, table, with_policy
from truth import execute, tables

from rlops import snapshots, sqlfiles
from rlops.db import connect
from rlops.ops import monitor as op
from rlops.ops.monitor.records import JITTER
from rlops.sandbox.server import RunningServer
from rlops.settings import Target

SNAPSHOTS = "rlops_snapshot"


def shift(database: ShopDatabase, days: int) -> None:
    """Make all that is recorded older."""
    execute(
        database,
        f"UPDATE {SNAPSHOTS} SET taken_at = taken_at - INTERVAL {days} DAY, started_at = started_at - INTERVAL {days} DAY",
    )


def test_only_record_writes_and_only_to_its_own_table(database: ShopDatabase) -> None:
    create(database)
    fill(database, 300)
    before = tables(database)
    assert monitor(database)["data"]["recorded"]["snapshots"] == 0
    assert tables(database) == before
    document = monitor(database, "--record")
    assert tables(database) == before | {SNAPSHOTS}
    assert document["data"]["snapshot"]["kept"] == 1
    (row,) = database.query(f"SELECT * FROM {SNAPSHOTS}")
    body = json.loads(row["body"])
    assert body["tables"][INTERACTIONS]["rows"] == 300
    assert row["id"] == document["data"]["snapshot"]["id"]
    assert monitor(database)["data"]["recorded"]["snapshots"] == 1
    assert database.query(f"SELECT COUNT(*) AS n FROM {SNAPSHOTS}")[0]["n"] == 1


def test_changes_and_growth_since_what_was_recorded(database: ShopDatabase) -> None:
    create(database)
    fill(database, 12_000)
    first = table(monitor(database, "--record"))
    shift(database, 10)
    fill(database, 6_000)
    document = monitor(database)
    now = table(document)
    changed = document["data"]["changes"]["tables"][INTERACTIONS]
    assert changed["rows"] == 6_000
    assert changed["bytes"] == (now["file_bytes"] or 0) - (first["file_bytes"] or 0)
    recorded = document["data"]["growth"]["recorded"]
    assert recorded["rows_per_day"] == pytest.approx(600, rel=0.01)
    assert recorded["bytes_per_day"] == pytest.approx(changed["bytes"] / 10, rel=0.01)
    assert "recorded" in database.cli("monitor").stdout


def test_foreign_key_errors_are_told_since_then(database: ShopDatabase) -> None:
    if database.server.family != "mysql":
        pytest.skip("the others don't count them")
    create(database)
    monitor(database, "--record")
    for _ in range(3):
        with pytest.raises(Exception, match="1452"):
            execute(
                database, f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type) VALUES (999, 1, 'VIEW')"
            )
    execute(
        database,
        f"UPDATE {SNAPSHOTS} SET taken_at = taken_at - INTERVAL 30 MINUTE, started_at = started_at - INTERVAL 0 MINUTE",
    )
    document = monitor(database, "--threshold", "foreign_key_errors_per_hour=5,9999", check=3)
    assert document["data"]["changes"]["foreign_key_errors"]["child_refused"] >= 3
    (found,) = (each for each in document["data"]["findings"] if each["check"] == "foreign_key_errors_per_hour")
    assert found["value"] == pytest.approx(2 * sum(document["data"]["changes"]["foreign_key_errors"].values()), rel=0.1)


def test_snapshots_are_thinned_with_age(database: ShopDatabase) -> None:
    create(database)
    monitor(database, "--record")
    numbers = "WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 799)"
    insert = f"INSERT INTO {SNAPSHOTS} (taken_at, started_at, body)"
    execute(
        database, f"{insert} {numbers} SELECT UTC_TIMESTAMP() - INTERVAL i * 30 MINUTE, UTC_TIMESTAMP(), '{{}}' FROM n"
    )
    execute(
        database,
        f"INSERT INTO {SNAPSHOTS} (taken_at, started_at, body) VALUES (UTC_TIMESTAMP() - INTERVAL 5 YEAR, UTC_TIMESTAMP(), '{{}}')",
    )
    place = {"host": None, "port": None, "socket": local(database).socket}
    with connect(Target(**place, user="root", database=database.name, sources={}), program="test") as db:
        snapshots.thin(db, sqlfiles.load(None, db.family).policy.monitor.keep_days)
    age = "TIMESTAMPDIFF(MINUTE, taken_at, UTC_TIMESTAMP())"
    kept = {
        name: database.query(f"SELECT COUNT(*) AS n FROM {SNAPSHOTS} WHERE {age} BETWEEN {low} AND {high}")[0]["n"]
        for name, low, high in (
            ("new", 0, 2870),
            ("hourly", 2900, 20_000),
            ("daily", 20_300, 24_100),
            ("old", 1_000_000, 9_000_000),
        )
    }
    assert kept["new"] in (96, 97)
    assert 280 <= kept["hourly"] <= 290
    assert 2 <= kept["daily"] <= 4
    assert kept["old"] == 0


def test_an_account_that_may_not_record_is_told_the_grant(database: ShopDatabase) -> None:
    server = local(database)
    create(database)
    execute(
        database,
        "DROP USER IF EXISTS reader@'%'",
        "CREATE USER reader@'%'",
        f"GRANT SELECT ON `{database.name}`.* TO reader@'%'",
    )
    options = ("--socket", str(server.socket), "--user", "reader", "--database", database.name)
    try:
        answer = run_cli("monitor", "--record", *options, "--output", "json", home=database.home, check=4).json
        assert answer["error"]["code"] == "missing_privileges"
        grants = [line.rstrip(";") for line in answer["error"]["hint"].splitlines() if line.startswith("GRANT")]
        assert answer["data"]["tables"], "what was read is shown all the same"
        assert SNAPSHOTS not in tables(database)
        for grant in grants:
            database.query(grant)
        assert (
            run_cli("monitor", "--record", *options, "--output", "json", home=database.home).json["data"]["snapshot"][
                "kept"
            ]
            == 1
        )
    finally:
        execute(database, "DROP USER reader@'%'")


def test_evidence_outlives_a_restart(
    start_server: Callable[..., RunningServer], tmp_path: Path, tmp_path_factory: Any
) -> None:
    database = ShopDatabase(start_server("mysql-9.7"), "shop", tmp_path)
    fill_shop(database)
    create(database)
    fill(database, 500)
    policy = with_policy(tmp_path_factory.mktemp("sql"), evidence_days="30")
    read = f"SELECT COUNT(reward) FROM {INTERACTIONS} FORCE INDEX (idx_session) WHERE session_id > 'a'"
    monitor(database, "--record", *policy)
    body = json.loads(database.query(f"SELECT body FROM {SNAPSHOTS}")[0]["body"])
    for key in body["evidence"]:
        body["evidence"][key][1] = 29.99999 * 86_400
    execute(database, f"UPDATE {SNAPSHOTS} SET body = '{json.dumps(body)}'")
    while int(database.query("SHOW GLOBAL STATUS LIKE 'Uptime'")[0]["Value"]) <= JITTER.total_seconds() + 1:
        time.sleep(0.1)  # start-up times closer together than that are taken for one
    database.server.restart()  # type: ignore[attr-defined]
    assert monitor(database, *policy)["data"]["changes"]["restarted"] is True
    time.sleep(1.1)  # the last second of thirty days
    document = monitor(database, *policy)
    assert index(document, "idx_session")["used"] is False
    assert index(document, "PRIMARY")["used"] is None, "the primary key is never called unused"
    database.query(read)
    assert index(monitor(database, *policy), "idx_session")["used"] is True
    database.query(f"CREATE INDEX idx_more ON {INTERACTIONS} (reward)")  # zeroes the counters of the table's indexes
    assert index(monitor(database, *policy), "idx_session")["reads"] == 0


@contextmanager
def watching(
    database: ShopDatabase, *arguments: str, stdout: Any = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(database.home),
        "LANG": "C.UTF-8",
        "RLOPS_CACHE": str(CACHE),
        "TERM": "xterm",
    }
    command = [sys.executable, "-m", "rlops", "monitor", "--watch", "1s", *database.options, *arguments]
    process = subprocess.Popen(command, cwd=database.home, env=environment, stdout=stdout, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_watch_in_a_pipe_is_a_document_a_line(database: ShopDatabase) -> None:
    create(database)
    fill(database, 100)
    with watching(database) as process:
        assert process.stdout and process.stderr
        first = json.loads(process.stdout.readline())
        fill(database, 40)
        later = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().splitlines()
        assert process.wait(20) == 130
    assert table(first)["rows"] == 100
    assert table(later[-1])["rows"] == 140
    assert sum(each["data"]["changes"]["tables"][INTERACTIONS]["rows"] for each in later) == 40
    last = json.loads(rest[-1])
    assert (last["status"], last["exit_code"]) == ("interrupted", 130)


def test_watch_outlives_a_restart(start_server: Callable[..., RunningServer], tmp_path: Path) -> None:
    database = ShopDatabase(start_server("mariadb-11.8"), "shop", tmp_path)
    fill_shop(database)
    create(database)
    with watching(database, "--output", "json") as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["status"] == "ok"
        database.server.restart()  # type: ignore[attr-defined]
        found = []
        while found[-1:] != ["ok"] and len(found) < 60:  # how many looks a restart takes is the machine's affair
            found.append(json.loads(process.stdout.readline())["status"])
    assert found[-1] == "ok", found
    assert set(found) <= {"ok", "denied"}, "no connection is `denied` (exit 4)"


def test_watch_on_a_terminal_draws_over_itself(database: ShopDatabase) -> None:
    create(database)
    fill(database, 100)
    ours, theirs = pty.openpty()
    with watching(database, "--no-color", stdout=theirs) as process:
        os.close(theirs)
        shown = b""
        deadline = time.monotonic() + 30
        while shown.count(b"Ctrl-C ends it") < 2 and time.monotonic() < deadline:
            if select.select([ours], [], [], 1)[0]:
                shown += os.read(ours, 65_536)
        process.send_signal(signal.SIGINT)
        with_end = b""
        while process.poll() is None or select.select([ours], [], [], 0)[0]:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    with_end += os.read(ours, 65_536)
                except OSError:
                    break
        assert process.wait(20) == 130
    os.close(ours)
    assert b"\x1b[?1049h" in shown, "a screen of its own"
    assert INTERACTIONS.encode() in shown
    assert b"\x1b[?1049l" in with_end, "and the user's is given back"


def test_a_textfile_is_replaced_whole(database: ShopDatabase, tmp_path: Path) -> None:
    create(database)
    fill(database, 100)
    file = tmp_path / "rlops.prom"
    file.write_text("old")
    monitor(database, "--textfile", str(file))
    assert [path.name for path in tmp_path.iterdir() if "prom" in path.name] == ["rlops.prom"]
    found = {family.name: family for family in text_string_to_metric_families(file.read_text())}
    rows = {sample.labels["table"]: sample.value for sample in found["rlops_table_rows"].samples}
    assert rows[INTERACTIONS] == 100
    assert {sample.labels["database"] for family in found.values() for sample in family.samples} == {database.name}
    shown = database.cli("monitor", "--output", "prometheus").stdout
    assert {family.name for family in text_string_to_metric_families(shown)} == set(found)
    answer = database.cli("monitor", "--textfile", str(tmp_path / "no" / "x.prom"), check=1)
    assert "can't be written" in answer.stderr


def test_nagios_on_a_real_server(database: ShopDatabase, tmp_path: Path) -> None:
    def nagios(*arguments: str, check: int) -> Answer:
        return database.cli("monitor", "--output", "nagios", *arguments, check=check)

    assert nagios(check=3).stdout.startswith("UNKNOWN - none of the tables")
    create(database)
    fill(database, 100)
    assert nagios(check=0).stdout.startswith("OK - 3 tables, no threshold crossed | ")
    late = ("--threshold", "retention_days_late=1,9999")
    execute(
        database,
        f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, timestamp) VALUES (1, 1, 'VIEW', NOW() - INTERVAL 500 DAY)",
    )
    assert nagios(*late, check=1).stdout.startswith("WARNING - user_product_interactions: 1 row of 1 month")
    assert nagios(check=2).stdout.startswith("CRITICAL - ")
    gone = run_cli("monitor", "--output", "nagios", "--url", "mysql://root@127.0.0.1:1/shop", home=tmp_path, check=3)
    assert gone.stdout.startswith("UNKNOWN - ")
    assert run_cli("monitor", "--output", "nagios", "--nonsense", home=tmp_path, check=3).stdout.startswith(
        "UNKNOWN - "
    )


@pytest.mark.parametrize(
    "wrong",
    [
        ("--watch", "soon"),
        ("--watch", "0.1s"),
        ("--threshold", "x=1"),
        ("--threshold", "orphans=inf"),
        ("--threshold", "orphans=1,nan"),
        ("--watch", "5s", "--output", "nagios"),
    ],
)
def test_wrong_options_are_refused(database: ShopDatabase, wrong: tuple[str, ...]) -> None:
    answer = database.cli("monitor", *wrong, check=3 if "nagios" in wrong else 2)
    assert "UNKNOWN" in answer.stdout if "nagios" in wrong else "next:" in answer.stderr


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_it_fits_a_pipe_of_any_width(database: ShopDatabase, width: int) -> None:
    create(database)
    fill(database, 11_000)
    shown = database.cli("monitor", env={"COLUMNS": str(width), "NO_COLOR": "1"}).stdout
    assert max(map(len, shown.splitlines())) <= width
    assert "\x1b" not in shown
    assert shown.startswith("healthy: ")


def test_exact_counts_what_is_otherwise_estimated(database: ShopDatabase) -> None:
    create(database)
    fill(database, 4_000)
    database.query(f"ANALYZE TABLE {INTERACTIONS}")
    place = {"host": None, "port": None, "socket": local(database).socket}
    with connect(Target(**place, user="root", database=database.name, sources={}), program="test") as db:
        sql = sqlfiles.load(None, db.family)
        roughly, exactly = (op.monitor(db, sql, op.Wish(exact=exact, up_to=10)).data for exact in (False, True))
    assert (exactly["tables"][0]["rows"], exactly["tables"][0]["rows_estimated"]) == (4_000, False)
    if database.server.family != "oceanbase":  # whose estimate may be 0, which is quickly counted
        assert roughly["tables"][0]["rows_estimated"] is True
        assert roughly["tables"][0]["rows"] == pytest.approx(4_000, rel=0.5)
        assert any(probe["name"] == "rows" and "--exact" in probe["needs"] for probe in roughly["probes"])
