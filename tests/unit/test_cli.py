"""What scripts rely on, without a server: exit codes, streams, one JSON document on failure too, help with examples."""

from __future__ import annotations

import json

import pytest
from conftest import run_cli

from rlops.cli.app import COMMANDS

GROUPS = {
    "backups": ("list",),
    "partition": ("status", "enable", "cut-over", "abort", "finish", "ensure", "expire", "disable"),
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


def test_version(tmp_path):
    from rlops import __version__

    assert run_cli("--version", home=tmp_path).stdout.strip() == f"rlops {__version__}"


def test_something_unforeseen_is_no_traceback(tmp_path, monkeypatch):
    monkeypatch.setattr("rlops.settings.resolve", lambda *_, **__: 1 / 0)
    answer = run_cli("verify", "--output", "json", home=tmp_path, check=1)
    assert answer.json["error"]["code"] == "unexpected"
    assert "Traceback" not in answer.stderr
    assert json.loads(answer.stdout)
