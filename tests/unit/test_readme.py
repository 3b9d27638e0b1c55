"""The README, --help and sql/ agree: commands and options exist, promises name tests that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from conftest import run_cli

from rlops.cli.app import COMMANDS
from rlops.errors import Exit

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```\w*\n(.*?)```", README, re.DOTALL)
LINES = [line.removeprefix("$ ").split("  #")[0].strip() for block in BLOCKS for line in block.splitlines()]
USED = sorted(
    {line for line in LINES if line.startswith("rlops ")}
    | set(re.findall(r"`(rlops [a-z][^`<]*)`", README.replace("\n", " ")))
)


def test_the_readme_names_every_command():
    assert [
        name for name in COMMANDS if f"rlops {name}" not in README.replace("\n", " ") and f"`{name}`" not in README
    ] == []


@pytest.mark.parametrize("line", USED)
def test_every_command_line_of_the_readme_exists(tmp_path, line):
    words = [word for word in shlex.split(line)[1:] if not word.startswith("2026")]
    command = [word for word in words[:2] if not word.startswith("-") and not any(c.isupper() for c in word)]
    shown = run_cli(*command, "--help", home=tmp_path, env={"COLUMNS": "200"}).stdout
    for flag in (word for word in words if word.startswith("--")):
        assert re.search(rf"{flag}\b", shown), f"{flag} in: {line}"


def test_the_exit_codes_are_those_of_the_code():
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert table == {int(code) for code in Exit}


@pytest.mark.parametrize(("file", "name"), re.findall(r"`(test_\w+\.py)::(test_\w+)`", README))
def test_every_promise_has_its_test(file, name):
    (path,) = (ROOT / "tests").rglob(file)
    assert f"def {name}(" in path.read_text()


def test_every_file_of_sql_says_what_it_does():
    for path in (ROOT / "sql").rglob("*.sql"):
        assert re.match(r"-- [A-Z].+[.:]", path.read_text()), path
