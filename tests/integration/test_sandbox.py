"""`rlops sandbox`: the server that stays, and its state file, which must never lead anywhere else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pymysql
import pytest
from conftest import missing_engines, run_cli

from rlops.sandbox.process import Process
from rlops.sandbox.provision import LABELS
from rlops.sandbox.state import STATE, read

WORDS = {"mysql-9.7": "mysql", "mariadb-11.8": "mariadb", "seekdb": "seekdb"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A working folder whose sandbox is gone after the test."""
    yield tmp_path
    if (tmp_path / STATE).exists():
        run_cli("sandbox", "stop", home=tmp_path, check=None)


def begin(folder: Path, engine: str, config: pytest.Config) -> dict[str, object]:
    answer = run_cli("sandbox", "start", "--engine", engine, "--output", "json", home=folder, check=None)
    if answer.returncode == 1 and engine in LABELS:
        config.stash[missing_engines][engine] = answer.json["error"]["message"]
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{engine} can't be had")
    assert answer.returncode == 0, answer
    return answer.json["data"]


def query(data: dict[str, object], sql: str) -> list[tuple[object, ...]]:
    with (
        pymysql.connect(unix_socket=str(data["socket"]), user="root", database="ecommercedb") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
        return list(cursor.fetchall())


@pytest.mark.parametrize("label", sorted(WORDS))
def test_life_of_a_sandbox(folder: Path, label: str, request: pytest.FixtureRequest) -> None:
    data = begin(folder, label, request.config)
    assert (folder / STATE).stat().st_mode & 0o777 == 0o600
    assert Path(str(data["directory"])).stat().st_mode & 0o777 == 0o700

    again = run_cli("sandbox", "start", "--engine", WORDS[label], "--output", "json", home=folder)
    assert again.json["data"]["pid"] == data["pid"]

    assert query(data, "SELECT COUNT(*), MIN(id), MAX(id), COUNT(DISTINCT email) FROM users") == [(2000, 1, 2000, 2000)]
    assert query(data, "SELECT COUNT(*), MIN(id), MAX(id), COUNT(DISTINCT category_id) FROM product") == [
        (500, 1, 500, 20)
    ]
    assert query(data, "SELECT COUNT(*) FROM mysql.user WHERE user = 'dsazuser' AND host = '%'") == [(1,)]

    migrated = run_cli("migrate", "--output", "json", home=folder)
    assert "using the sandbox" in migrated.stderr
    assert migrated.json["target"]["database"] == "ecommercedb"
    seeded = run_cli("seed", "--rows", "700", "--months", "2", "--output", "json", home=folder)
    assert [step["rows"] for step in seeded.json["steps"]] == [12, 2000, 700]

    server = read(folder)
    run_cli("sandbox", "stop", home=folder)
    assert not (folder / STATE).exists()
    assert not Path(str(data["directory"])).exists()
    assert server and not server.alive()
    assert "no sandbox" in run_cli("sandbox", "stop", home=folder).stdout
    assert run_cli("sandbox", "status", "--output", "json", home=folder).json["data"] == {"running": False}


def test_a_dead_sandbox_is_refused_and_comes_back_with_its_data(folder: Path, request: pytest.FixtureRequest) -> None:
    data = begin(folder, "mysql-9.7", request.config)
    run_cli("migrate", home=folder)
    server = read(folder)
    assert server
    server.kill9()
    # An option file names a server, which must not be fallen through to.
    (folder / ".my.cnf").write_text("[client]\nhost=127.0.0.1\nport=1\n")

    for command in ("history", "verify", "migrate", "seed"):
        refused = run_cli(command, "--output", "json", home=folder, check=5)
        assert refused.json["error"]["code"] == "sandbox_dead"
        assert "rlops sandbox" in refused.json["error"]["hint"]
    assert run_cli("sandbox", "status", home=folder, check=3).stdout.count("dead") == 1

    back = run_cli("sandbox", "start", "--output", "json", home=folder).json["data"]
    assert back["pid"] != data["pid"]
    assert ("user_product_interactions",) in query(back, "SHOW TABLES")
    assert run_cli("sandbox", "start", "--engine", "seekdb", home=folder, check=5).stderr.count("MySQL 9.7") == 1


def test_two_starts_at_once_make_one_server(folder: Path, request: pytest.FixtureRequest) -> None:
    with ThreadPoolExecutor(2) as pool:
        starts = [pool.submit(begin, folder, "mariadb-10.11", request.config) for _ in range(2)]
        first, second = (start.result() for start in starts)
    assert first == second


def state(folder: Path, **changes: object) -> None:
    """A state file as one would be, but for the changes."""
    record = {
        "label": "mysql-9.7", "family": "mysql", "version": "9.7.4", "port": None, "detached": True,
        "directory": str(folder / "rlops-sandbox-x"), "socket": str(folder / "sql.sock"), "command": [], "pid": 1, "born": -1,
    }  # fmt: skip
    (folder / STATE).write_text(json.dumps(record | changes))


def test_a_process_that_took_over_the_pid_lives_on(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        state(tmp_path, pid=stranger.pid, born=1)
        assert run_cli("history", "--output", "json", home=tmp_path, check=5).json["error"]["code"] == "sandbox_dead"
        run_cli("sandbox", "stop", home=tmp_path)
        assert Process(stranger.pid, 1).alive() is False
        assert stranger.poll() is None
        stranger.kill()


def test_stop_removes_no_folder_of_another_name(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    state(tmp_path, directory=str(precious))
    run_cli("sandbox", "stop", home=tmp_path)
    assert precious.is_dir()
    assert not (tmp_path / STATE).exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": 1}', "\x00"])
def test_a_broken_state_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / STATE).write_text(content)
    for command in (("history",), ("sandbox", "start"), ("sandbox", "stop"), ("sandbox", "status")):
        answer = run_cli(*command, "--output", "json", home=tmp_path, check=5)
        assert answer.json["error"]["code"] == "sandbox_state"
    assert (tmp_path / STATE).read_text() == content


def test_another_users_state_file_is_refused(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root, to give a file away")
    state(tmp_path)
    os.chown(tmp_path / STATE, 12345, -1)
    answer = run_cli("history", "--output", "json", home=tmp_path, check=5)
    assert "another user" in answer.json["error"]["message"]


@pytest.mark.parametrize("where", ["option", "variable", "profile"])
def test_a_target_of_its_own_comes_before_the_sandbox(tmp_path: Path, where: str) -> None:
    state(tmp_path)
    if where == "profile":
        (tmp_path / "rlops.toml").write_text('default_profile = "a"\n[profiles.a]\nhost = "db.example"\n')
    show = partial(run_cli, "config", "show", "--output", "json", home=tmp_path)
    extra = ("--host", "db.example") if where == "option" else ()
    env = {"RLOPS_HOST": "db.example"} if where == "variable" else {}
    answer = run_cli("config", "show", "--output", "json", *extra, home=tmp_path, env=env) if extra or env else show()
    assert {"name": "host", "value": "db.example"}.items() <= answer.json["data"]["settings"][0].items()
    assert "sandbox" not in answer.stderr


def test_bad_usage(tmp_path: Path) -> None:
    assert "mariadb-11.8" in run_cli("sandbox", "start", "--engine", "oracle", home=tmp_path, check=2).stderr
    assert "--host" in run_cli("sandbox", "start", "--host", "db.example", home=tmp_path, check=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_config_show_masks_the_password_and_names_the_sources(tmp_path: Path) -> None:
    env = {"RLOPS_URL": "mysql://shop:s3cret@db.example:3307/ecommercedb", "RLOPS_SSL_MODE": "REQUIRED"}
    for output in ("json", "table"):
        answer = run_cli("config", "show", "--output", output, home=tmp_path, env=env)
        assert "s3cret" not in answer.stdout + answer.stderr
        assert "***" in answer.stdout
    settings = {
        s["name"]: s
        for s in run_cli("config", "show", "--output", "json", home=tmp_path, env=env).json["data"]["settings"]
    }
    assert settings["port"] == {"name": "port", "value": "3307", "source": "variable RLOPS_URL"}
    assert settings["ssl_mode"]["source"] == "variable RLOPS_SSL_MODE"
    assert settings["password"] == {"name": "password", "value": "***", "source": "variable RLOPS_URL"}
    assert run_cli("config", "show", "--port", "x", home=tmp_path, check=2).stdout == ""
