"""The shape of the code: imports run cli → ops → core and never back; only render draws; only db knows numbers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import rlops

ROOT = Path(rlops.__file__).parent
MODULES = sorted(path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts)


def imports(path):
    """The modules that a file imports, but for those under TYPE_CHECKING."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(path):
    first = path.relative_to(ROOT).parts[0]
    return first if first in ("cli", "ops", "render", "sandbox", "structure", "settings") else "core"


FORBIDDEN = {
    "core": ("rlops.cli", "rlops.ops", "rlops.render", "rlops.sandbox", "rich", "typer"),
    "structure": ("rlops.cli", "rlops.ops", "rlops.render", "rlops.run", "rich", "typer", "pymysql"),
    "settings": ("rlops.cli", "rlops.ops", "rlops.render", "rlops.db", "rich", "typer", "pymysql"),
    "ops": ("rlops.cli", "rlops.render", "rich", "typer", "pymysql"),
    "render": ("rlops.cli", "rlops.ops", "typer", "pymysql"),
    "sandbox": ("rlops.cli", "rlops.ops", "rlops.run", "typer"),
    "cli": ("pymysql",),
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    if path.name == "__main__.py":
        return
    forbidden = FORBIDDEN[layer(path)]
    found = [name for name in imports(path) if any(name == f or name.startswith(f + ".") for f in forbidden)]
    assert not found


def test_only_render_and_the_demo_import_rich():
    users = {
        str(path.relative_to(ROOT).parts[0])
        for path in MODULES
        for name in imports(path)
        if name.split(".")[0] == "rich"
    }
    assert users <= {"render"}


def test_only_db_and_connect_import_the_driver():
    users = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        for name in imports(path)
        if name.split(".")[0] == "pymysql"
    }
    assert {user for user in users if not user.startswith("sandbox/")} <= {
        "db.py",
        "connect.py",
        "denials.py",
        "servererrors.py",
    }


def test_nothing_in_ops_prints_or_asks():
    for path in MODULES:
        if layer(path) == "ops":
            names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
            assert not names & {"print", "input"}, path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_small(path):
    assert len(path.read_text().splitlines()) <= 330
