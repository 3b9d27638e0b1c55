"""rlops maintain: the parts in their order under one lock, one summary, and the worst exit code."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import coldstore
import pytest
import truth
from conftest import run_cli
from test_archive import live
from truth import TABLES

from rlops import lease, lock
from rlops.archive import sealed
from rlops.archive.place import ROOT_FILE
from rlops.ops.data import Bounds

INTERACTIONS = TABLES[0]

WRITES = ("--environment", "development")
PARTS = ["partition ensure", "archive run", "cleanup", "archive erase", "verify", "monitor"]


@pytest.fixture
def filled(database):
    database.cli("migrate", *WRITES)
    database.cli("seed", "--rows", "600", "--months", "15", *WRITES)
    return database


def maintain(database, *options, check=3):  # 3: the application account has no grants yet
    return database.cli("maintain", *WRITES, *options, "--output", "json", check=check).json


def codes(answer):
    return {part["command"]: part["exit_code"] for part in answer["data"]["parts"]}


def root(database) -> Path:
    return database.home / "rlops-archive"


def test_a_partitioned_table_has_its_months_ahead_and_loses_its_expired_ones(filled):
    if filled.server.family == "oceanbase":
        pytest.skip("partition expire is refused on OceanBase (not_proven)")
    filled.cli("partition", "enable", "--offline")
    before = live(filled)
    ahead = filled.query(
        "SELECT PARTITION_NAME AS name FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = %s AND TABLE_NAME ="
        " 'user_product_interactions' AND PARTITION_DESCRIPTION <> 'MAXVALUE' ORDER BY PARTITION_ORDINAL_POSITION DESC LIMIT 1",
        (filled.name,),
    )[0]["name"]
    truth.execute(filled, f"ALTER TABLE user_product_interactions DROP PARTITION {ahead}")
    parts = {part["command"]: part["data"] for part in maintain(filled, "--yes")["data"]["parts"]}
    assert parts["partition ensure"]["created_partitions"] == [ahead]
    assert len(parts["cleanup"]["dropped_partitions"]) == 3 and parts["cleanup"]["hold_tables"]
    here, there = live(filled), coldstore.rows(root(filled))
    alive = {row[0] for row in here}
    assert sorted(here + [row for row in there if row[0] not in alive]) == sorted(before)


def test_all_of_it_in_order_and_again(filled):
    before = live(filled)
    answer = maintain(filled, "--yes")
    assert [(step["name"], step["status"]) for step in answer["steps"]] == [(name, "done") for name in PARTS]
    assert codes(answer) == {
        "partition ensure": 0,
        "archive run": 0,
        "cleanup": 0,
        "archive erase": 0,
        "verify": 3,
        "monitor": codes(answer)["monitor"],
    }
    here, there = live(filled), coldstore.rows(root(filled))
    assert len(here) < len(before)
    alive = {row[0] for row in here}
    assert sorted(here + [row for row in there if row[0] not in alive]) == sorted(before)
    assert truth.count(filled, "rlops_snapshot") == 1
    again = maintain(filled)
    assert [part["data"].get("deleted_rows", 0) for part in again["data"]["parts"][1:3]] == [0, 0]
    assert live(filled) == here
    assert truth.count(filled, "rlops_snapshot") == 2


def test_the_second_of_two_hosts_is_told_and_changes_nothing(filled):
    name = lock.lock_name(filled.name, lock.MAINTENANCE)
    held = (
        "INSERT INTO rlops_lease (name, owner, fence, node, connection_id, account, renewed_at)"
        f" VALUES (%s, 'somebody', 1, {lease.NODE}, CONNECTION_ID(), CURRENT_USER(), UTC_TIMESTAMP(6))"
    )
    with filled.connect() as connection, connection.cursor() as cursor:
        if filled.server.family == "oceanbase":
            cursor.execute(held, (name,))
        else:
            cursor.execute("SELECT GET_LOCK(%s, 0) AS taken", (name,))
            assert cursor.fetchone()["taken"] == 1
        before = truth.snapshot(filled)
        answer = maintain(filled, "--yes", check=6)
        assert answer["error"]["code"] == "maintenance_lock"
        assert truth.snapshot(filled) == before


def test_a_copy_of_the_database_with_the_originals_configuration_is_refused(filled):
    filled.cli("archive", "run", *WRITES)
    path = root(filled) / ROOT_FILE
    known = sealed.load(path.read_text())
    path.write_text(sealed.dump({**known, "server": {**known["server"], "datadir": "/another/"}}))
    before = truth.snapshot(filled)
    answer = maintain(filled, "--yes", check=5)
    assert answer["error"]["code"] == "other_server"
    assert truth.snapshot(filled) == before


def test_what_rlops_was_not_built_for_keeps_the_others_from_nothing(filled, monkeypatch):
    def broken(*_):
        raise TypeError("a fault")

    monkeypatch.setattr("rlops.ops.archive.run.plan", broken)
    before = len(live(filled))
    answer = maintain(filled, "--yes", check=1)
    assert codes(answer) | {"monitor": 0} == {
        "partition ensure": 0, "archive run": 1, "cleanup": 0, "archive erase": 0, "verify": 3, "monitor": 0,
    }  # fmt: skip
    assert answer["data"]["parts"][1]["error"]["code"] == "unexpected"
    assert answer["data"]["parts"][2]["data"]["deleted_rows"] == before - len(live(filled)) > 0


def test_a_part_that_fails_keeps_the_others_from_nothing(filled):
    root(filled).write_text("a file where the folder was to be")
    before = live(filled)
    answer = maintain(filled, "--yes", check=1)
    assert [step["status"] for step in answer["steps"]] == ["done", "failed", "failed", "done", "done", "done"]
    assert live(filled) == before
    assert truth.count(filled, "rlops_snapshot") == 1
    assert answer["data"]["parts"][1]["error"]["message"] in " ".join(answer["notes"])


def test_who_is_gone_leaves_the_archive_too(filled):
    maintain(filled, "--yes")
    number = coldstore.rows(root(filled))[0][1]
    truth.execute(filled, f"DELETE FROM users WHERE id = {number}")
    share = sum(row[1] == number for row in coldstore.rows(root(filled))) / len(coldstore.rows(root(filled)))
    asked = () if share <= 0.1 else ("--confirm", filled.name)
    answer = maintain(filled, "--yes", *asked)
    assert answer["data"]["parts"][PARTS.index("archive erase")]["data"]["erased_rows"] > 0
    assert not [row for row in coldstore.rows(root(filled)) if row[1] == number]


def test_retention_wants_its_yes(filled):
    answer = maintain(filled, check=5)
    assert codes(answer)["cleanup"] == 5
    assert answer["next"]
    assert truth.count(filled, "rlops_snapshot") == 1


def test_a_dry_run_writes_nothing(filled):
    before = truth.snapshot(filled)
    answer = maintain(filled, "--dry-run")
    assert answer["dry_run"]
    assert truth.snapshot(filled) == before
    assert not root(filled).exists()


def test_the_units_of_a_profile(tmp_path):
    folder = tmp_path / "100% shop"
    folder.mkdir()
    (folder / "rlops.toml").write_text('[profiles."live shop"]\nhost = "127.0.0.1"\ndatabase = "shop"\n')
    cron = run_cli("maintain", "--print", "cron", "--profile", "live shop", home=folder).stdout
    assert cron.startswith("0 3 1 * * cd ")
    assert r"100\% shop" in cron
    assert "maintain --profile 'live shop' --yes --quiet" in cron
    units = run_cli("maintain", "--print", "systemd", "--profile", "live shop", "--output", "json", home=folder).json
    text = units["data"]["unit"]
    assert "WorkingDirectory=" in text and "100%% shop" in text
    assert '"--profile" "live shop"' in text
    refused = run_cli("maintain", "--print", "cron", "--output", "json", home=folder, check=2)
    assert json.loads(refused.stdout)["error"]["code"] == "no_profile"


def test_orphans_are_looked_for_further_down_each_time(database, monkeypatch):
    database.cli("migrate", *WRITES)
    truth.execute(database, "DELETE FROM users WHERE id = 20", "DELETE FROM product WHERE id = 20")
    columns = "id, user_id, product_id, interaction_type, reward"
    for user, ids in ((1, [n for n in range(1, 41) if n != 5]), (20, [5])):
        rows = ", ".join(f"({n}, {user}, 1, 'VIEW', 0.1)" for n in ids)
        truth.execute(
            database, "SET foreign_key_checks = 0", f"INSERT INTO user_product_interactions ({columns}) VALUES {rows}"
        )
    monkeypatch.setattr(importlib.import_module("rlops.ops.data.examine"), "RECENT", Bounds(rows=10))
    monkeypatch.setattr("rlops.ops.data.scan.FURTHER_ROWS", 12)
    monkeypatch.setattr("rlops.ops.data.scan.FURTHER_SECONDS", 0.0)

    def looked(*options):
        (part,) = [part for part in maintain(database, *options)["data"]["parts"] if part["command"] == "verify"]
        ((first, last),) = [(each["first_id"], each["last_id"]) for each in part["data"]["data"]["further"]]
        return first, last, [each["check"] for each in part["data"]["findings"] if each["check"] == "orphan"]

    assert looked("--yes") == (19, 30, [])
    assert looked("--dry-run") == looked("--yes") == (7, 18, [])
    assert looked("--yes") == (1, 6, ["orphan"])
    assert looked("--yes") == (19, 30, [])
    truth.execute(
        database, "DELETE FROM user_product_interactions WHERE id < 19"
    )  # retention goes where it was to go on
    assert looked("--yes") == (None, None, [])
    assert looked("--yes") == (19, 30, [])
    answer = database.cli("verify", "--data", "--output", "json", check=3).json["data"]
    assert answer["data"]["further"] == [] and "orphan" not in {each["check"] for each in answer["findings"]}
