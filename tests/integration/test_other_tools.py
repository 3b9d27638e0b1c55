"""Other people's tools on partitioned tables: a dump and its reload, and pt-online-schema-change on both parents."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest
import truth
from benchmarks import peers
from sessions import ours

__all__ = ["ours"]

TABLE, KEPT = "user_product_interactions", "user_product_interactions__rlops_old"
INSERT = f"INSERT INTO {TABLE} (user_id, product_id, interaction_type, session_id) VALUES "
ACCOUNT = "account"  # of the recommender, which nobody made here


def run(
    package: str,
    program: Callable[..., tuple[tuple[str, ...], Mapping[str, str]]],
    name: str,
    *options: str,
    given: str = "",
) -> str:
    """What the program says. Skips where it can't be had; fails where it does."""
    folder = peers.find(package)
    if not folder:
        pytest.skip(f"{package} can't be had here")
    (*start, path), environment = program(folder)
    command = [*start, str(Path(path).with_name(name)), *options]
    done = subprocess.run(
        command, check=False, env={**os.environ, **environment}, input=given, capture_output=True, text=True, timeout=300
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def findings(database) -> list[str]:
    found = database.cli("verify", "--output", "json", check=None).json["data"]["findings"]
    return [each["check"] for each in found if each["check"] != ACCOUNT]


def guarded(database, user: int = 7) -> None:
    """No interaction of an unknown user; with a user, those of the user go."""
    with pytest.raises(pymysql.err.IntegrityError) as refused:
        truth.execute(database, f"{INSERT} (404404, 1, 'VIEW', 's')")
    assert refused.value.args[0] == 1452
    rows = f"({user}, 1, 'VIEW', 's'), ({user + 1}, 1, 'VIEW', 's')"
    truth.execute(database, INSERT + rows, f"DELETE FROM users WHERE id = {user}")
    assert database.query(f"SELECT user_id FROM {TABLE} WHERE user_id IN (%s, %s)", (user, user + 1)) == [
        {"user_id": user + 1}
    ]


@pytest.fixture
def shop(ours):
    ours.cli("migrate", "--partitioned")
    truth.fill(ours, "2026-01-01 00:00:00", "2026-06-01 00:00:00")
    return ours


def test_a_dump_is_reloaded_into_another_schema(shop):
    login = ("--host=127.0.0.1", f"--port={shop.server.port}", "--user=root", "--skip-ssl")
    text = run("mariadb-client", peers.mariadb_dump, "mariadb-dump", *login, shop.name)
    there = replace(shop, name=f"{shop.name}_2", opened=[])
    truth.execute(shop, f"CREATE DATABASE {there.name}")
    try:
        run("mariadb-client", peers.mariadb_dump, "mariadb", *login, "--comments", there.name, given=text)
        assert truth.rows(there, TABLE) == truth.rows(shop, TABLE)
        assert set(findings(there)) == {"definer"}, (
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
    said = run("percona-toolkit", peers.pt_archiver, "pt-online-schema-change", *change)
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
