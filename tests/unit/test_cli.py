"""What scripts rely on, without a server: exit codes, streams, one JSON document on failure too, help with examples."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import run_cli

from rlops.cli.app import COMMANDS

GROUPS = {
    "archive": ("run", "list", "verify", "restore", "erase"),
    "backups": ("list", "show", "prune"),
    "partition": ("status", "enable", "cut-over", "disable", "finish", "ensure", "expire"),
    "jobs": ("list", "pause", "resume", "abort"),
    "sandbox": ("start", "stop", "status"),
    "config": ("show",),
}
ALL = [(name, *sub) for name in COMMANDS for sub in [(word,) for word in GROUPS.get(name, ())] or [()]]
EVERYWHERE = [
    "--url", "--host", "--port", "--socket", "--user", "--database", "--password-file", "--ask-password", "--defaults-file",
    "--ssl-mode", "--ssl-ca", "--ssl-cert", "--ssl-key", "--profile", "--sql-dir", "--output", "--no-color", "--quiet", "--verbose",
]  # fmt: skip
OFFLINE = {("demo",), ("sandbox", "start"), ("sandbox", "stop"), ("sandbox", "status")}


@pytest.mark.parametrize("command", ALL, ids=" ".join)
def test_help_starts_with_an_example_and_lists_the_shared_options(tmp_path, command):
    shown = run_cli(*command, "--help", home=tmp_path, env={"COLUMNS": "200"}).stdout
    assert "rlops " + " ".join(command) in shown.replace("\n", " ")
    if command not in OFFLINE:
        assert "Example:" in shown
        assert [flag for flag in EVERYWHERE if flag not in shown] == []
        assert run_cli(*command, "-h", home=tmp_path, env={"COLUMNS": "200"}).stdout == shown


@pytest.mark.parametrize("columns", ["0", "-1", "abc", "", "²"])
def test_a_width_that_is_none_is_ignored(tmp_path, columns):
    shown = run_cli("config", "show", home=tmp_path, env={"COLUMNS": columns}).stdout
    assert shown == run_cli("config", "show", home=tmp_path).stdout
    assert "sql_dir" in shown


def test_no_server_is_one_json_document_and_exit_4(tmp_path):
    answer = run_cli("verify", "--url", "mysql://root@127.0.0.1:1/shop", "--output", "json", home=tmp_path, check=4)
    assert answer.json["schema"] == "rlops/1"
    assert answer.json["status"] == "denied"
    assert answer.json["error"]["code"] == "no_server"
    assert answer.stdout.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--no-such-option"),
        ("verfy",),
        ("cleanup", "--months", "0"),
        ("cleanup",),
        ("migrate", "--environment", "test"),
        ("verify",),
    ],
    ids=" ".join,
)
def test_a_usage_error_is_one_json_document_and_exit_2(tmp_path, arguments):
    answer = run_cli(*arguments, "--output", "json", home=tmp_path, check=2)
    assert answer.json["exit_code"] == 2
    assert answer.json["error"]["message"]
    assert answer.json["error"]["hint"]


def test_the_variable_chooses_json_too(tmp_path):
    assert run_cli("verify", "--bogus", home=tmp_path, env={"RLOPS_OUTPUT": "json"}, check=2).json["exit_code"] == 2


def test_without_json_stdout_is_empty_and_stderr_explains(tmp_path):
    answer = run_cli("verify", "--url", "mysql://root@127.0.0.1:1/shop", home=tmp_path, check=4)
    assert answer.stdout == ""
    assert "next:" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_mistyped_command_is_suggested(tmp_path):
    assert "migrate" in run_cli("migrat", home=tmp_path, check=2).stderr


def test_a_password_on_the_command_line_is_refused_and_not_repeated(tmp_path):
    answer = run_cli(
        "verify", "--url", "mysql://root:s3cret@127.0.0.1/shop", "--output", "json", home=tmp_path, check=2
    )
    assert answer.json["error"]["code"] == "password_on_command_line"
    assert "s3cret" not in answer.stdout + answer.stderr


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(("stdout", "code"), [(">&-", 4), (">/dev/full", 1), ("| true", None)])
def test_a_stdout_that_takes_nothing_gives_no_traceback(tmp_path, output, stdout, code):
    command = f"{sys.executable} -m rlops config show --output {output}"
    if code == 4:
        command = f"{sys.executable} -m rlops verify --url mysql://root@127.0.0.1:1/shop --output {output}"
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-c", f"{command} {stdout}"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if code is not None:
        assert done.returncode == code, done.stderr
    if stdout == ">/dev/full":
        assert "No space left on device" in done.stderr
        assert "rlops history" in done.stderr


def test_version(tmp_path):
    from rlops import __version__

    assert run_cli("--version", home=tmp_path).stdout.strip() == f"rlops {__version__}"


def test_something_unforeseen_is_no_traceback(tmp_path, monkeypatch):
    monkeypatch.setattr("rlops.settings.resolve", lambda *_, **__: 1 / 0)
    answer = run_cli("verify", "--output", "json", home=tmp_path, check=1)
    assert answer.json["error"]["code"] == "unexpected"
    assert "Traceback" not in answer.stderr
    assert json.loads(answer.stdout)


def hears_signals(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM, by the mask in /proc."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) & 1 << signal.SIGTERM - 1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("after", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_a_signal_at_any_moment_gives_one_document_and_exit_130(tmp_path, number, after):
    """Also while the command line is still being imported. The server accepts a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql://root@127.0.0.1:{silent.getsockname()[1]}/shop"
        process = subprocess.Popen(
            [sys.executable, "-m", "rlops", "migrate", "--url", url, "--output", "json"],
            cwd=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while not hears_signals(process.pid):
            assert process.poll() is None
        time.sleep(after)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert "Traceback" not in stderr
    assert process.returncode == 130, stderr
    assert json.loads(stdout)["status"] == "interrupted"
