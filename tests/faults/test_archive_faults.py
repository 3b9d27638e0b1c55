"""An export that dies at every touch of the disk, a full one, one that refuses, and an S3 that fails in mid-upload."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import coldstore
import pytest
import truth
from moto.server import DomainDispatcherApplication, create_backend_app
from scenarios import Archive as Scenario
from scenarios import Bench, PlainDatabase
from sessions import answer, begin, cramped, ours, stopped, until
from truth import TABLES
from werkzeug.serving import make_server

from rlops import lease

__all__ = ["ours"]

INTERACTIONS = TABLES[0]
OLD = [f"2024-0{n % 3 + 1}-{n % 28 + 1:02} 00:00:{n % 60:02}" for n in range(300)]
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true"}

# Kills itself at the N-th touch of the disk: before it, or after.
VICTIM = """
import itertools, os, pathlib, signal, sys
number, after = int(sys.argv[1]), sys.argv[2] == "after"
from rlops.archive import store
touches = itertools.count(1)
def deadly(function):
    def wrapped(*arguments, **named):
        this = next(touches)  # one touch may hold others, as mkdir with its parents does
        if this == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments, **named)
        if this == number and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped
os.fsync = deadly(os.fsync)
pathlib.Path.replace = deadly(pathlib.Path.replace)
pathlib.Path.mkdir = deadly(pathlib.Path.mkdir)
store.Sink.write = deadly(store.Sink.write)
from rlops.__main__ import main
try:
    main(sys.argv[3:])
finally:
    print(next(touches) - 1, file=sys.stderr)
"""


@pytest.fixture
def scenario(database) -> Scenario:
    made = Bench(PlainDatabase(database.server, database.name, database.home, database.opened))
    made.learn()
    return Scenario(made)


def victim(scenario: Scenario, number: int, when: str) -> subprocess.CompletedProcess[str]:
    database = scenario.database
    return subprocess.run(
        [sys.executable, "-c", VICTIM, str(number), when, *scenario.options(), *database.options],
        check=False, cwd=database.home, env={"PATH": os.environ["PATH"], "HOME": str(database.home)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def struck(scenario: Scenario, points: list[tuple[int, str]]) -> list[str]:
    problems = []
    for number, when in points:
        scenario.arrange()
        done = victim(scenario, number, when)
        assert done.returncode == -signal.SIGKILL, (number, done.stderr)
        problems += [f"killed {when} {number}: {problem}" for problem in scenario.torn()]
        again = scenario.database.cli(*scenario.options(), check=None)
        if again.returncode:
            problems.append(f"killed {when} {number}: the rerun ended with {again.returncode}: {again.stdout}")
        problems += [f"killed {when} {number}, then rerun: {problem}" for problem in scenario.unfinished()]
    return problems


def touches(scenario: Scenario) -> int:
    scenario.arrange()
    clean = victim(scenario, 0, "before")
    assert clean.returncode == 0, clean.stderr
    assert scenario.unfinished() == []
    return int(clean.stderr.splitlines()[-1])


def test_killed_at_some_touches_of_the_disk(scenario):
    count = touches(scenario)
    assert count > 50
    assert struck(scenario, [(1 + n * count // 7, when) for n, when in enumerate(["before", "after"] * 3)]) == []


@pytest.mark.torture
def test_killed_at_every_touch_of_the_disk(scenario, capsys):
    count = touches(scenario)
    points = [(number, when) for number in range(1, count + 1) for when in ("before", "after")]
    problems = struck(scenario, points)
    with capsys.disabled():
        print(
            f"\n{scenario.database.server.label}: archive killed at {len(points)} touches of the disk, {len(problems)} problems"
        )
    assert problems == []


@pytest.fixture
def filled(database):
    database.install()
    truth.fill(database, *(f"2024-0{n % 2 + 1}-01 00:00:{n % 60:02}" for n in range(2000)), models=0, features=0)
    return database


def archive(database, to, *options, check: int | None = 0, env=None):
    return database.cli("archive", "run", "--to", str(to), "--output", "json", *options, check=check, env=env).json


def test_a_full_disk(filled):
    """A disk that takes no more in mid-part: the part is not published, and the next run is whole."""
    root = filled.home / "cold"
    failed = cramped(filled, 4096, "archive", "run", "--to", str(root))
    assert "File too large" in failed["error"]["message"], failed["error"]
    assert list(root.rglob("*part-*")) == []
    assert truth.count(filled, INTERACTIONS) == 2000
    archive(filled, root)
    assert len(coldstore.rows(root)) == 2000
    assert coldstore.problems(root) + coldstore.unpublished(root) == []


@pytest.mark.parametrize("before", ["archive.rows:Reader._page", "archive.store:Store.publish"])
def test_a_run_that_lost_its_lock_in_mid_export_touches_no_file_of_the_next(filled, before):
    """It stands still while it writes a part, or as it is about to publish it; another run exports and deletes the rows."""
    root, everything = filled.home / "cold", truth.count(filled, INTERACTIONS)
    truth.fill(filled, "2023-01-01 00:00:00", models=0, features=0)
    archive(filled, root, "--now", "2023-08-01T00:00:00")  # so that the next one finds its archive claimed
    first = stopped(filled, f"rlops.{before}", 1, "archive", "run")
    lose_lock(filled)
    filled.cli("cleanup", "--months", "12", "--yes")
    assert truth.count(filled, INTERACTIONS) == 0
    first.send_signal(signal.SIGCONT)
    said = answer(first)
    # A new connection gets GET_LOCK again, and the run finds that nothing is left to do.
    lost = filled.server.family == "oceanbase"
    assert said["exit_code"] == 0 or (lost and said["error"]["code"] == "lease_lost"), said["error"]
    assert bool(said["error"]) == lost
    filled.cli("archive", "verify")
    assert len(coldstore.rows(root)) == everything + 1
    assert coldstore.problems(root) + coldstore.unpublished(root) == []
    assert filled.cli("archive", "run", "--output", "json").json["steps"] == []


def lose_lock(database) -> None:
    """Let the run that stands still have no lock any more: its lease runs out, or its idle connection is ended."""
    if database.server.family == "oceanbase":
        truth.execute(database, f"UPDATE {lease.TABLE} SET renewed_at = renewed_at - INTERVAL 1 HOUR")
        return
    holder = database.query("SELECT connection_id FROM rlops_run WHERE status = 'running'")[0]["connection_id"]
    truth.execute(database, f"KILL {holder}")
    gone = "SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE ID = %s"
    until(lambda: not database.query(gone, (holder,))[0]["n"], "the server has ended it")


def test_a_target_that_can_not_be_written(filled):
    file = filled.home / "file"
    file.write_text("not a folder")
    failed = archive(filled, file / "cold", check=1)
    assert str(file) in failed["error"]["message"]
    assert "Traceback" not in failed["error"]["message"]
    archive(filled, filled.home / "cold", "--moved")
    assert len(coldstore.rows(filled.home / "cold")) == 2000


def test_two_runs_at_once(ours):
    ours.install()
    truth.fill(ours, *["2024-01-01 00:00:00"] * 3000, models=0, features=0)
    root = ours.home / "cold"
    processes = [begin(ours, "archive", "run", "--to", str(root)) for _ in range(2)]
    ends = sorted(answer(process)["exit_code"] for process in processes)
    assert ends[0] == 0
    assert ends[1] in (0, 6)
    assert len(coldstore.rows(root)) == 3000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_finishes_the_part_and_says_where_it_stands(scenario, number):
    scenario.arrange()
    process = begin(scenario.database, *scenario.options()[:-2], "--sql-dir", scenario.options()[-1])
    until(lambda: coldstore.files(scenario.root), "a part is written")
    process.send_signal(number)
    said = answer(process)
    assert said["exit_code"] in (0, 130), said["error"]
    assert scenario.torn() == []
    scenario.database.cli(*scenario.options())
    assert scenario.unfinished() == []


class Bucket:
    """S3 over HTTP on a port of 127.0.0.1, which refuses or cuts the requests that `bad` picks."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.bad: Callable[[str, str], str | None] = lambda method, path: None
        self.seen: list[tuple[str, str]] = []
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.endpoint = f"127.0.0.1:{self._server.server_port}"
        self.url = f"s3://{name}/shop/cold?endpoint_override={self.endpoint}&scheme=http&region=us-east-1"
        self.client = boto3.client(
            "s3", endpoint_url=f"http://{self.endpoint}", region_name="us-east-1",
            aws_access_key_id="key", aws_secret_access_key="secret",
        )  # fmt: skip
        self.client.create_bucket(Bucket=name)

    def _answer(self, environ: Any, start_response: Any) -> Any:
        self.seen.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        how = self.bad(*self.seen[-1])
        if how == "cut":
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        if how:
            start_response("403 Forbidden", [("Connection", "close")])
            return [b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"]
        return self._moto(environ, start_response)

    def copy(self, folder: Path) -> Path:
        """All of it as a folder."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name):
            for found in page.get("Contents", ()):
                if found["Key"].endswith("/"):
                    continue  # pyarrow marks folders that it has deleted something from
                path = folder / found["Key"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.client.get_object(Bucket=self.name, Key=found["Key"])["Body"].read())
        return folder / "shop/cold"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def bucket(database) -> Iterator[Bucket]:
    made = Bucket(database.name.replace("_", "-"))
    yield made
    made.close()


def test_s3_over_http(filled, bucket, tmp_path):
    archive(filled, bucket.url, env=KEYS)
    assert bucket.seen
    root = bucket.copy(tmp_path / "copy")
    assert len(coldstore.rows(root)) == 2000
    assert coldstore.problems(root) + coldstore.unpublished(root) == []
    assert filled.cli("archive", "verify", env=KEYS, check=0)
    assert archive(filled, bucket.url, env=KEYS)["steps"] == []


def test_s3_erase_fails_in_mid_upload_and_the_next_run_finishes(filled, bucket, tmp_path):
    archive(filled, bucket.url, env=KEYS)
    before = coldstore.rows(bucket.copy(tmp_path / "before"))
    truth.execute(filled, "DELETE FROM users WHERE id = 3")
    kept = [row for row in before if row[1] != 3]
    assert 0 < len(kept) < len(before)
    erase = ("archive", "erase", "--confirm", filled.name, "--output", "json")
    for number, method in enumerate(("PUT", "POST", "DELETE")):
        bucket.bad = lambda found, path, method=method: "cut" if found == method and "part-" in path else None
        filled.cli(*erase, env=KEYS, check=None)
        root = bucket.copy(tmp_path / f"torn{number}")
        assert coldstore.problems(root) == []
        assert set(kept) <= set(coldstore.rows(root)) <= set(before)
    bucket.bad = lambda *_: None
    filled.cli(*erase, env=KEYS)
    root = bucket.copy(tmp_path / "after")
    assert coldstore.rows(root) == kept
    assert coldstore.problems(root) + coldstore.unpublished(root) == []
    filled.cli("archive", "verify", env=KEYS)


@pytest.mark.parametrize("how", ["cut", "refuse"])
def test_s3_fails_in_mid_upload(filled, bucket, tmp_path, how):
    """At an upload's part, its completion, the copy to its name, and the removal of the other; a rerun is whole."""
    ends = set()
    for method, skip in (("PUT", 0), ("POST", 1), ("DELETE", 0), ("PUT", 3)):
        count = 0

        def bad(found: str, path: str, method: str = method, skip: int = skip) -> str | None:
            nonlocal count
            if found != method or "part-" not in path:
                return None
            count += 1
            return how if count > skip else None

        bucket.bad = bad
        failed = archive(filled, bucket.url, env=KEYS, check=None)
        ends.add(failed["exit_code"])
        assert failed["exit_code"] in (0, 1), failed
        assert truth.count(filled, INTERACTIONS) == 2000
    assert 1 in ends
    bucket.bad = lambda *_: None
    archive(filled, bucket.url, env=KEYS)
    root = bucket.copy(tmp_path / "copy")
    assert len(coldstore.rows(root)) == 2000
    assert coldstore.problems(root) == []


def test_a_key_in_the_url_is_refused_and_not_repeated(filled):
    refused = archive(filled, "s3://AKIAKEY:s3cr3t@bucket/x", check=2)
    assert "s3cr3t" not in json.dumps(refused)


@pytest.mark.torture
@pytest.mark.parametrize(("rows", "padding"), [(1_000_000, 0), (40_000, 16_000)])
def test_a_large_month_takes_bounded_memory(ours, capsys, rows, padding):
    ours.install()
    truth.fill(ours, *["2024-01-01 00:00:00"] * 1000, models=0, features=0)
    if padding:
        text = f"REPEAT(SHA2(CONCAT(id, UUID()), 256), {padding // 64})"
        truth.execute(ours, f"UPDATE {INTERACTIONS} SET context = CONCAT('{{\"a\": \"', {text}, '\"}}')")
    count, most = 1000, 10_000 if padding else rows  # rows a statement
    names = "user_id, product_id, interaction_type, session_id, context, reward"
    while count < rows:
        truth.execute(
            ours,
            f"INSERT INTO {INTERACTIONS} ({names}, timestamp)"
            f" SELECT {names}, timestamp + INTERVAL 1 SECOND FROM {INTERACTIONS} LIMIT {min(most, rows - count)}",
        )
        count = truth.count(ours, INTERACTIONS)
    report = ours.home / "rss"
    peak = (
        "import resource, sys; from rlops.__main__ import main\ntry: main(sys.argv[2:])\nfinally: "
        "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))"
    )
    sizes = {}
    cleaned = ["cleanup", "--months", "12", "--yes"]
    for command in (["archive", "run", "--to", "cold"], ["archive", "verify"], cleaned):
        subprocess.run(
            [sys.executable, "-c", peak, str(report), *command, *ours.options],
            check=True,
            cwd=ours.home,
            env={"PATH": os.environ["PATH"], "HOME": str(ours.home)},
            capture_output=True,
        )
        sizes[" ".join(command[:2])] = int(report.read_text()) / 1024
    with capsys.disabled():
        print(f"\n{ours.server.label}: {rows:,} rows, {padding:,} bytes in each context: {sizes}")
    assert truth.count(ours, INTERACTIONS) == 0
    assert max(sizes.values()) < 300


def cleaning(root: Path) -> tuple[str, ...]:
    return ("cleanup", "--months", "12", "--to", str(root), "--now", "2026-03-31T23:30:00", "--yes")


def clean(database: Any, root: Path) -> Any:
    return database.cli(*cleaning(root), "--output", "json").json


def test_a_place_that_another_installation_began_meanwhile_is_left_to_it(ours, root, make_database):
    """Two crons at the same minute, and one archive in both of their settings."""
    other = make_database(ours.name + "_b")
    for each, rows in ((ours, 300), (other, 200)):
        each.install()
        truth.fill(each, *OLD[:rows], "2026-03-31 10:00:00")
    process = stopped(other, "rlops.archive.place:Place.claim", 1, *cleaning(root))
    assert clean(ours, root)["data"]["deleted_rows"] == 300
    mine = coldstore.rows(root)
    process.send_signal(signal.SIGCONT)
    refused = answer(process)["error"]
    assert refused["code"] == "other_installation" and "Nothing was changed there" in refused["message"]
    assert coldstore.rows(root) == mine and len(mine) == 300
    assert truth.count(other, INTERACTIONS) == 201 and not list(root.rglob(".*.tmp"))
    assert ours.cli("archive", "verify").returncode == 0


def test_nothing_more_is_deleted_once_the_archive_has_gone_in_mid_part(ours, root):
    ours.install()
    truth.fill(ours, *["2024-01-05 00:00:00"] * 3000, "2026-03-31 10:00:00")
    process = stopped(ours, "rlops.archive.deleting:chunk", 1, *cleaning(root))
    away = root.rename(root.with_name("away"))
    process.send_signal(signal.SIGCONT)
    said = answer(process)
    left = truth.count(ours, INTERACTIONS)
    assert said["error"]["code"] == "archive_gone" and left > 1500
    away.rename(root)
    assert clean(ours, root)["data"]["deleted_rows"] == left - 1
    assert len(coldstore.rows(root)) == 3000


def test_rows_that_are_more_than_a_packet_come_back(ours, root):
    ours.install()
    truth.fill(ours, *["2024-01-05 00:00:00"] * 100, "2026-03-31 10:00:00")
    text = f"UPDATE {INTERACTIONS} SET context = JSON_OBJECT('x', REPEAT('a', {{}})), timestamp = timestamp WHERE {{}}"
    truth.execute(ours, text.format(40_000, "timestamp < '2025-01-01'"), text.format(1_500_000, "id = 7"))
    clean(ours, root)
    (usual,) = ours.query("SELECT @@GLOBAL.max_allowed_packet AS n")
    truth.execute(ours, "SET GLOBAL max_allowed_packet = 1048576")
    try:
        refused = ours.cli("archive", "restore", "2024-01", "--output", "json", check=1).json["error"]
        assert refused["code"] == "row_too_long" and "the row 7 makes" in refused["message"]
        truth.execute(ours, refused["hint"].partition(",")[0])
        assert ours.cli("archive", "restore", "2024-01", "--output", "json").json["data"]["restored_rows"] == 100
    finally:
        truth.execute(ours, f"SET GLOBAL max_allowed_packet = {usual['n']}")


def test_a_chunk_that_asks_the_server_nothing_for_long_keeps_its_session(ours, root):
    ours.install()
    truth.fill(ours, *OLD, "2026-03-31 10:00:00")
    (usual,) = ours.query("SELECT @@GLOBAL.wait_timeout AS n")
    truth.execute(ours, "SET GLOBAL wait_timeout = 1")
    try:
        process = stopped(ours, "rlops.archive.parquet:check", 1, *cleaning(root))
        with ours.connect() as silent:
            gone = f"SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE ID = {silent.thread_id()}"
            until(lambda: ours.query(gone)[0]["n"] == 0, "the server ends a silent session")
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=60)
    finally:
        truth.execute(ours, f"SET GLOBAL wait_timeout = {usual['n']}")
    assert json.loads(out)["data"]["deleted_rows"] == 300 and "connection was lost" not in err
