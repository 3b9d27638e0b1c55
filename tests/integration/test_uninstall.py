"""rlops uninstall on real servers: its own tables go, everything else stays."""

from __future__ import annotations

import truth
from truth import TABLES


def test_own_tables_go_and_the_rest_stays(database):
    database.install("production")
    truth.fill(database, "2026-01-01 00:00:00")
    before = {name: value for name, value in truth.snapshot(database).items() if not name.startswith("rlops_")}
    database.cli("uninstall", "--yes", check=5)
    assert set(TABLES) <= truth.tables(database)
    database.cli("uninstall", "--confirm", database.name)
    assert truth.snapshot(database) == before
    assert database.cli("uninstall", "--confirm", database.name, "--output", "json").json["steps"] == []


def test_backups_are_named_and_stay(database):
    database.install("production")
    truth.fill(database, "2026-01-01 00:00:00")
    backup = database.cli("rollback", "--confirm", database.name, "--output", "json").json["data"]["backup"]["id"]
    shown = database.cli("uninstall", "--dry-run", "--output", "json").json
    assert shown["data"]["kept_backups"] == [backup]
    database.cli("uninstall", "--confirm", database.name)
    database.cli("restore")
    assert truth.count(database, TABLES[0]) == 1
