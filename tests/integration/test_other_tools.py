"""Other people's tools on partitioned tables: a dump and its reload, and pt-online-schema-change on both parents."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import Any

import pytest
import truth
from benchmarks import peers
from sessions import ours
from test_partition import findings, insert, refused

__all__ = ["ours"]

TABLE, KEPT = "user_product_interactions", "user_product_interactions__rlops_old"
PACKAGES = {"mariadb-client": peers.mariadb_client, "percona-toolkit": peers.percona_toolkit}


def run(database: Any, package: str, program: str, *options: str, given: str = "") -> str:
    """What the program says. Skips where it can't be had; fails where it does."""
    folder = peers.find(package)
    if not folder:
        pytest.skip(
            f"{package} can't be had here: it comes out of Debian's packages, and stdout says what was in the way"
        )
    command, environment = PACKAGES[package](folder, program)
    clean = {"PATH": os.environ["PATH"], "HOME": str(database.home), "LANG": "C.UTF-8", **environment}
    done = subprocess.run(
        [*command, *options], check=False, env=clean, input=given, capture_output=True, text=True, timeout=300
    )  # fmt: skip
    assert done.returncode == 0, f"{program} {options}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def guarded(database: Any, user: int = 7) -> None:
    """No interaction of an unknown user; with a user, those of the user go."""
    assert refused(database, insert(user=404404)) == 1452
    truth.execute(database, insert(user), insert(user + 1), f"DELETE FROM users WHERE id = {user}")
    left = database.query(f"SELECT user_id FROM {TABLE} WHERE user_id IN (%s, %s)", (user, user + 1))
    assert left == [{"user_id": user + 1}]


@pytest.fixture
def shop(ours):
    ours.cli("migrate", "--partitioned")
    truth.fill(ours, "2026-01-01 00:00:00", "2026-06-01 00:00:00")
    return ours


def test_a_dump_is_reloaded_into_another_schema(shop):
    login = ("--no-defaults", "--host=127.0.0.1", f"--port={shop.server.port}", "--user=root", "--skip-ssl")
    text = run(shop, "mariadb-client", "mariadb-dump", *login, shop.name)
    there = replace(shop, name=f"{shop.name}_2", opened=[])
    truth.execute(shop, f"CREATE DATABASE {there.name}")
    try:
        run(shop, "mariadb-client", "mariadb", *login, "--comments", there.name, given=text)
        assert truth.rows(there, TABLE) == truth.rows(shop, TABLE)
        assert {found["check"] for found in findings(there)} == {"definer"}, (
            "the triggers are there; the account lacks its rights on this schema"
        )
        said = there.cli("partition", "enable", "--offline")
        assert findings(there) == [], said.stdout
        guarded(there)
    finally:
        truth.execute(shop, f"DROP DATABASE {there.name}")


def alter(database, parent: str) -> None:
    """Add a column to the parent by pt-online-schema-change."""
    where = f"h=127.0.0.1,P={database.server.port},u=root,D={database.name},t={parent}"
    options = (
        "--preserve-triggers",
        "--alter-foreign-keys-method=rebuild_constraints",
        "--recursion-method=none",
        "--no-version-check",
    )
    change = ("--alter=ADD COLUMN note INT", *options, "--execute", where)
    said = run(database, "percona-toolkit", "pt-online-schema-change", *change)
    assert "Successfully altered" in said and "note" in truth.definition(database, parent)


@pytest.mark.parametrize("parent", ["users", "product"])
def test_a_parent_is_altered_by_pt_online_schema_change(shop, parent):
    alter(shop, parent)
    assert findings(shop) == []
    guarded(shop)


def test_both_parents_are_altered_between_the_copy_and_the_cut_over(ours):
    ours.cli("migrate")
    truth.fill(ours, "2026-01-01 00:00:00", "2026-06-01 00:00:00")
    ours.cli("partition", "enable", "--postpone-cut-over")
    alter(ours, "users")
    truth.execute(ours, "DELETE FROM users WHERE id = 1")
    alter(ours, "product")
    truth.execute(ours, f"UPDATE {TABLE} SET reward = 0.7")
    ours.cli("partition", "cut-over")
    assert findings(ours) == []
    guarded(ours)
    kept = truth.rows(ours, KEPT)
    assert len(kept) == 2 and sorted(kept) == sorted(truth.rows(ours, TABLE))
    ours.cli("partition", "disable")  # by the old table
    assert findings(ours) == []
    guarded(ours, 9)
