"""`rlops demo`: it plays to the end, on its own server only, and leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import CACHE

from rlops.sandbox import demo
from rlops.sandbox.state import STATE

# Whatever leads elsewhere: each of these alone would make a command fail, or reach another server.
HOSTILE = {
    "RLOPS_HOST": "192.0.2.1", "RLOPS_USER": "nobody", "RLOPS_PASSWORD": "wrong", "RLOPS_PROFILE": "none",
    "RLOPS_ENVIRONMENT": "production", "RLOPS_DRY_RUN": "1", "RLOPS_SQL_DIR": "/nowhere",
    "MYSQL_HOST": "192.0.2.1", "MYSQL_PWD": "wrong", "MYSQL_UNIX_PORT": "/nowhere.sock",
}  # fmt: skip


@pytest.fixture
def temporary() -> Iterator[Path]:
    """The demo's own TMPDIR, short enough for sockets; it has to be empty in the end."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="d") as folder:
        yield Path(folder)
        assert list(Path(folder).iterdir()) == []


def start(home: Path, temporary: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "RLOPS_CACHE": str(CACHE),
        "TMPDIR": str(temporary),
    }
    command = [sys.executable, "-m", "rlops", "demo", *arguments]
    return subprocess.Popen(
        command,
        cwd=home,
        env=environment | variables,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def processes_in(folder: Path) -> list[str]:
    """Command lines that name the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text()
        except OSError:
            continue
        if str(folder) in line:
            found.append(line.replace("\0", " "))
    return found


def test_the_whole_life_whatever_the_environment_says(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / ".my.cnf").write_text("[client]\nhost=192.0.2.1\nuser=nobody\n")
    (tmp_path / "rlops.toml").write_text('default_profile = "far"\n[profiles.far]\nhost = "192.0.2.1"\n')
    (tmp_path / STATE).write_text("{}")
    before = sorted(tmp_path.iterdir())
    began = time.monotonic()
    with start(tmp_path, temporary, "--output", "json", **HOSTILE) as process:
        stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    document = json.loads(stdout)
    assert [played["exit_code"] for played in document["data"]["played"]] == [scene.ends for scene in demo.SCENES]
    assert [played["command"] for played in document["data"]["played"]] == [str(scene) for scene in demo.SCENES]
    for scene in demo.SCENES:
        assert f"$ {scene}\n" in stderr
    assert "192.0.2.1" not in stderr
    assert sorted(tmp_path.iterdir()) == before
    assert processes_in(temporary) == []
    assert time.monotonic() - began < 180


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_behind(tmp_path: Path, temporary: Path, number: signal.Signals) -> None:
    with start(tmp_path, temporary, "--engine", "mariadb-10.11") as process:
        assert process.stdout and process.stderr
        for line in process.stderr:
            if "add features" in line:
                break
        # As Ctrl-C on a terminal does, which reaches the running command, too.
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        process.communicate()
    assert process.returncode == 130
    assert processes_in(temporary) == []


def test_kill_9_leaves_no_server(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="d") as temporary:
        with start(tmp_path, Path(temporary), "--engine", "mariadb-10.11") as process:
            assert process.stdout
            for line in process.stdout:
                if "rlops doctor" in line:
                    break
            process.kill()
            process.communicate()
        deadline = time.monotonic() + 10
        while processes_in(Path(temporary)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert processes_in(Path(temporary)) == []


def test_it_stops_at_the_first_command_that_fails(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    scenes = [demo.Scene(tuple(words.split()), "Why.") for words in ("config show", "verify", "doctor")]
    monkeypatch.setattr(demo, "SCENES", scenes)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    shown: list[str] = []
    with (temporary.parent / f"{temporary.name}.txt").open("w+") as output:
        Path(output.name).unlink()
        played = demo.play(
            "mariadb-10.11", lambda scene: shown.append(str(scene)), print, output, {"RLOPS_OUTPUT": "json"}
        )
        output.seek(0)
        said = [json.loads(line) for line in output]
    assert shown == ["rlops config show", "rlops verify"]
    assert played.failed is not None
    assert (played.failed.command, played.failed.exit_code) == ("rlops verify", 3)
    assert [document["exit_code"] for document in said] == [0, 3]


def test_bad_usage(tmp_path: Path, temporary: Path) -> None:
    for arguments in (("--engine", "oracle"), ("--host", "db.example")):
        with start(tmp_path, temporary, *arguments) as process:
            process.communicate()
        assert process.returncode == 2
