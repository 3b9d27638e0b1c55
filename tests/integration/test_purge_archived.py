"""rlops purge where the policy wants the rows archived: what goes is in a verified part, and in no other, once."""

from __future__ import annotations

import coldstore
import pytest
import truth
from test_archive import archive, live, more, policy, verify
from truth import TABLES

INTERACTIONS = TABLES[0]
STAMPS = [
    f"2024-0{n % 3 + 1}-{n % 28 + 1:02} 00:00:{n % 60:02}" for n in range(380)
]  # 20 rows of each product but the last
YOUNG = [f"2026-03-{n % 28 + 1:02} 12:00:{n % 60:02}" for n in range(38)]


@pytest.fixture
def filled(database):
    database.install()
    truth.fill(database, *STAMPS, *YOUNG)
    return database


def purge(database, root, *options, product=3, check=0):
    wanted = policy(database, purged="true", part_rows=8)
    arguments = ("purge", "--product", str(product), "--to", str(root), "--yes", "--output", "json", *wanted)
    return database.cli(*arguments, *options, check=check).json


def clean(database, root, now="2026-03-31T23:30:00"):
    now = ("--now", now, "--yes", "--output", "json")
    wanted = policy(database, part_rows=40)
    return database.cli("cleanup", "--months", "12", "--to", str(root), *now, *wanted, check=0).json


def once(database, root, before):
    """Each row of before is in the table, or went and is in the archive, once, as it was."""
    here, there = live(database), coldstore.rows(root)
    assert len({row[0] for row in there}) == len(there)
    alive = {row[0] for row in here}
    assert sorted(here + [row for row in there if row[0] not in alive]) == sorted(before)
    assert coldstore.problems(root) + coldstore.unpublished(root) == []


def states(database):
    return {row["state"] for row in database.query("SELECT state FROM rlops_part WHERE only_id IS NOT NULL")}


def stop_after(database, state):
    """The purge ends once one of its parts has come to that state."""
    truth.execute(
        database,
        "CREATE TRIGGER halted BEFORE UPDATE ON rlops_part FOR EACH ROW BEGIN"
        f" IF OLD.state = '{state}' AND NEW.state <> OLD.state THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'stop'; END IF; END",
    )


@pytest.mark.parametrize("kind", ["user", "product"])
def test_what_is_purged_is_archived_and_nothing_else_goes(filled, root, kind):
    before = live(filled)
    mine = [row for row in before if row[1 if kind == "user" else 2] == 3]
    wanted = policy(filled, purged="true", part_rows=8)
    arguments = ("purge", f"--{kind}", "3", "--to", str(root), "--yes", "--output", "json")
    data = filled.cli(*arguments, *wanted).json["data"]
    assert (data["deleted_rows"], data["archived_rows"], data["late_rows"], data["left_rows"]) == (
        len(mine),
        len(mine),
        0,
        0,
    )
    assert coldstore.rows(root) == mine
    once(filled, root, before)
    assert states(filled) == {"done"}
    assert verify(filled)["data"]["rows"] == len(mine)
    assert filled.cli(*arguments, *wanted).json["steps"] == []


def test_by_default_nothing_is_archived(filled, root):
    arguments = ("purge", "--product", "3", "--to", str(root), "--yes", "--output", "json")
    assert filled.cli(*arguments).json["data"]["deleted_rows"] > 0
    assert not root.exists()


def test_the_months_whole_parts_come_later_and_hold_the_rest(filled, root):
    before = live(filled)
    purge(filled, root)
    archive(filled, root, *policy(filled, part_rows=40))
    once(filled, root, before)
    assert len([row for row in coldstore.rows(root) if str(row[5]) < "2025"]) == len(STAMPS)
    clean(filled, root)
    once(filled, root, before)
    assert [row for row in live(filled) if str(row[5]) < "2025"] == []
    verify(filled)


def test_rows_that_are_archived_already_are_in_the_archive_once(filled, root):
    before = live(filled)
    archive(filled, root, *policy(filled, part_rows=40))
    data = purge(filled, root)["data"]
    assert data["deleted_rows"] == len([row for row in before if row[2] == 3])
    once(filled, root, before)
    clean(filled, root)
    once(filled, root, before)


def test_a_changed_row_goes_with_its_latest_values(filled, root):
    archive(filled, root, *policy(filled, part_rows=40))
    truth.execute(
        filled, f"UPDATE {INTERACTIONS} SET reward = 7, timestamp = timestamp WHERE product_id = 3 AND id % 2"
    )
    before = live(filled)
    purge(filled, root)
    once(filled, root, before)


@pytest.mark.parametrize("state", ["planned", "exported", "verified", "deleting"])
def test_an_interrupted_purge_is_left_out_and_finished(filled, root, state):
    before = live(filled)
    stop_after(filled, state)
    purge(filled, root, check=1)
    truth.execute(filled, "DROP TRIGGER halted")
    assert state in states(filled)
    answer = archive(filled, root, *policy(filled, part_rows=40))
    assert answer["data"]["left_out_months"] == ["2024-01"]
    assert "2024-01" in " ".join(answer["notes"])
    purge(filled, root)
    assert states(filled) == {"done"}
    once(filled, root, before)
    archive(filled, root, *policy(filled, part_rows=40))
    once(filled, root, before)


@pytest.mark.parametrize("state", ["planned", "exported", "verified", "deleting"])
def test_cleanup_finishes_what_a_purge_left(filled, root, state):
    before = live(filled)
    stop_after(filled, state)
    purge(filled, root, check=1)
    truth.execute(filled, "DROP TRIGGER halted")
    clean(filled, root)
    once(filled, root, before)
    assert states(filled) == {"done"}
    assert [row for row in live(filled) if str(row[5]) < "2025"] == []


def test_a_month_comes_back_with_what_was_purged_of_it(filled, root):
    before = live(filled)
    purge(filled, root)
    archive(filled, root, *policy(filled, part_rows=40))
    filled.cli("archive", "restore", "2024-02", "--to-table", "live", "--yes")
    assert live(filled, "timestamp < '2024-03-01' AND timestamp >= '2024-02-01'") == [
        row for row in before if str(row[5])[:7] == "2024-02"
    ]
    filled.cli("archive", "restore", "2024-02", "--release", "--yes")
    clean(filled, root)
    once(filled, root, before)


def test_a_young_month_that_came_back_is_in_the_archive_once(filled, root):
    """Its whole parts would have the purged rows once more while these are live."""
    before, later = live(filled), "2027-04-01T00:00:00"
    purge(filled, root)
    filled.cli("archive", "restore", "2026-03", "--to-table", "live", "--yes")
    assert archive(filled, root, *policy(filled, part_rows=40), now=later)["data"]["left_out_months"] == ["2026-03"]
    once(filled, root, before)
    filled.cli("archive", "restore", "2026-03", "--release", "--yes")
    clean(filled, root, later)
    assert live(filled) == []
    once(filled, root, before)
    assert archive(filled, root, *policy(filled, part_rows=40), now=later)["data"]["left_out_months"] == []


@pytest.mark.parametrize("state", ["planned", "deleting"])
def test_a_parent_that_goes_before_its_purge_is_finished(filled, root, state):
    stop_after(filled, state)
    purge(filled, root, check=1)
    truth.execute(filled, "DROP TRIGGER halted", "DELETE FROM product WHERE id = 3")
    left = live(filled)
    assert purge(filled, root)["data"]["left_rows"] == 0
    assert states(filled) == {"done"}
    once(filled, root, [*left, *coldstore.rows(root)])
    assert purge(filled, root)["steps"] == []


def test_erasure_takes_what_was_purged_once_the_parent_is_gone(filled, root):
    purge(filled, root)
    truth.execute(filled, "DELETE FROM product WHERE id = 3")
    filled.cli("archive", "erase", "--confirm", filled.name)
    assert coldstore.rows(root) == []
    assert verify(filled)["data"]["rows"] == 0


def test_a_month_with_a_purge_alone_is_not_said_to_be_archived(filled, root):
    purge(filled, root)
    months = filled.cli("monitor", "--output", "json", check=3).json["data"]["retention"]["archived_months"]
    assert {month["month"]: month["finished"] for month in months}["2026-03"] is False


def test_rows_that_come_meanwhile_are_found_and_told(filled, root):
    """A trigger on rlops' own job row inserts them, as exactly as a shop could between two chunks."""
    insert = f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, timestamp) VALUES (1, 3, 'VIEW', '2024-01-01')"
    truth.execute(
        filled,
        "CREATE TRIGGER shop AFTER UPDATE ON rlops_job FOR EACH ROW"
        f" BEGIN IF OLD.done_rows = 0 AND NEW.done_rows > 0 THEN {insert}; {insert}; END IF; END",
    )
    wanted = truth.count(filled, INTERACTIONS, "product_id = 3")
    data = purge(filled, root)["data"]
    assert (data["deleted_rows"], data["late_rows"], data["left_rows"]) == (wanted + 2, 2, 0)
    assert len(coldstore.rows(root)) == wanted + 2


def test_another_policy_does_not_finish_it(filled, root):
    stop_after(filled, "deleting")
    purge(filled, root, check=1)
    truth.execute(filled, "DROP TRIGGER halted")
    left = live(filled)
    refused = filled.cli("purge", "--product", "3", "--yes", "--output", "json", check=5).json
    assert refused["error"]["code"] == "policy_changed"
    assert live(filled) == left


def test_production_wants_an_archive_named(database, root):
    database.install("production")
    more(database, *STAMPS)
    wanted = policy(database, purged="true")
    before = truth.snapshot(database)
    arguments = ("purge", "--product", "3", "--confirm", database.name, "--output", "json", *wanted)
    assert database.cli(*arguments, check=5).json["error"]["code"] == "no_destination"
    assert truth.snapshot(database) == before
    database.cli(*arguments, "--to", str(root))
    assert len(coldstore.rows(root)) == 20


def test_rows_that_no_month_of_an_archive_holds_stay_and_are_named(filled, root):
    truth.execute(
        filled,
        *[
            f"UPDATE {INTERACTIONS} SET timestamp = '{when}' WHERE product_id = 3 AND timestamp >= '2024-01-01' LIMIT 1"
            for when in ("0001-01-01", "9999-12-31 23:59:59")
        ],
    )
    first = purge(filled, root)
    assert (first["data"]["deleted_rows"], first["data"]["left_rows"]) == (20, 2)
    before = truth.snapshot(filled)
    second = purge(filled, root)
    assert second["steps"] == []
    assert truth.snapshot(filled)[INTERACTIONS] == before[INTERACTIONS]
    for answer in (first, second):
        notes = " ".join(answer["notes"])
        assert "2 rows of product 3" in notes and "product_id = 3 AND" in notes
        assert "came since" not in notes
