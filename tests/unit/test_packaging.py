"""The wheel, on each Python of this machine; the venv that make builds; completion."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import CACHE

import rlops
from rlops.errors import Failed
from rlops.sandbox import build
from rlops.sandbox.cache import once

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("3.11", "3.12", "3.13")


def pythons() -> list[str]:
    """A Python of each version that can be found."""
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}": sys.executable}
    for version in VERSIONS:
        pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
        for candidate in (*map(str, pyenv), shutil.which(f"python{version}")):
            if candidate and subprocess.run([candidate, "-c", ""], check=False, capture_output=True).returncode == 0:
                found.setdefault(version, candidate)
    return [found[version] for version in sorted(found)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the project."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("rlops", "sql"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    [built] = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, in a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def packages(python: str) -> str:
    """The folder with the locked dependencies for that Python; a download, kept in the cache, for any but our own."""
    if python == sys.executable:
        return sysconfig.get_path("purelib")
    lock = ROOT / ".ci/runtime.lock"
    version = re.search(r"3\.\d+$", python)
    assert version

    def install(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary", ":all:"]
        where = ["--python-version", version[0], "--target", str(folder), "--requirement", str(lock)]
        build.run([*command, *where], f"fetching the dependencies for Python {version[0]}", "check the network")

    name = f"{version[0]}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    try:
        return str(once(CACHE / "packages" / name, install, print))
    except Failed as failure:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(failure.message)


def call(
    command: list[str], python: str, installed: Path, cwd: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": f"{installed}:{packages(python)}",
    }  # fmt: skip
    return subprocess.run(command, cwd=cwd, env=environment | variables, check=False, capture_output=True, text=True)


def run(python: str, installed: Path, cwd: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `rlops` from the wheel."""
    return call([python, "-P", "-m", "rlops", *arguments], python, installed, cwd, **variables)


def test_the_wheel_holds_the_sql_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {
        f"rlops/sql/{path.relative_to(ROOT / 'sql').as_posix()}" for path in (ROOT / "sql").rglob("*") if path.is_file()
    }
    assert expected
    assert {name for name in names if name.startswith("rlops/sql/")} == expected
    assert all(name.startswith(("rlops/", f"rlops-{rlops.__version__}.dist-info/")) for name in names)


@pytest.mark.parametrize("python", pythons())
def test_the_wheel_works_from_any_folder(python: str, installed: Path, tmp_path: Path) -> None:
    (tmp_path / "rlops").mkdir()  # a folder of that name is nothing to be taken for the package
    assert run(python, installed, tmp_path, "--version").stdout == f"rlops {rlops.__version__}\n"
    assert "migrate" in run(python, installed, tmp_path, "--help").stdout
    check = "from rlops import sqlfiles; print(sqlfiles.default_root(), len(sqlfiles.load(None, 'mysql').files))"
    root, count = call([python, "-P", "-c", check], python, installed, tmp_path).stdout.split()
    assert Path(root) == installed / "rlops/sql"
    assert int(count) > 20
    migrate = run(python, installed, tmp_path, "migrate", "--socket", "/nowhere", "--database", "x", "--output", "json")
    assert migrate.returncode == 4, migrate.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, installed: Path, tmp_path: Path) -> None:
    script = run(sys.executable, installed, tmp_path, _RLOPS_COMPLETE=f"source_{shell}").stdout
    assert "_RLOPS_COMPLETE" in script
    shown = run(
        sys.executable,
        installed,
        tmp_path,
        "--show-completion",
        shell,
        _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1",
    )
    assert shown.stdout.strip() == script.strip()


@pytest.mark.parametrize(
    ("words", "expected"),
    [("rlops mig", "migrate"), ("rlops migrate --dry", "--dry-run"), ("rlops sandbox st", "start\nstop\nstatus")],
)
def test_what_is_completed(words: str, expected: str, installed: Path, tmp_path: Path) -> None:
    variables = {"_RLOPS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert run(sys.executable, installed, tmp_path, **variables).stdout.strip() == expected


def test_the_locks_hold_what_the_project_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, dev = ((ROOT / ".ci" / f"{kind}.lock").read_text() for kind in ("runtime", "dev"))
    for lock, wanted in ((runtime, project["project"]["dependencies"]), (dev, project["dependency-groups"]["dev"])):
        for requirement in wanted:
            name = requirement.split("[")[0].split(">")[0]
            assert f"\n{name}==" in "\n" + lock, name
    for lock in (runtime, dev):
        assert "://" not in lock, "the address of a package index"
        assert "--index" not in lock
    pins = {line.split(" ")[0] for line in runtime.splitlines() if "==" in line}
    assert pins <= {line.split(" ")[0] for line in dev.splitlines() if "==" in line}


def test_every_pin_has_a_hash() -> None:
    for kind in ("runtime", "dev"):
        lines = (ROOT / ".ci" / f"{kind}.lock").read_text().splitlines()
        for line, following in pairwise(lines):
            if "==" in line:
                assert following.startswith("    --hash=sha256:"), line
