"""rlops archive restore: months come back as they were, what can't is said, and retention leaves them alone until told."""

from __future__ import annotations

import coldstore
import pytest
import truth
from test_archive import archive, live, more, policy, verify
from test_retention import OLD, clean, states
from truth import TABLES

INTERACTIONS = TABLES[0]
STAGING = f"{INTERACTIONS}__restored_202402"


@pytest.fixture
def cleaned(database, root):
    """300 rows of three months, archived and deleted; and what they were."""
    database.install()
    truth.fill(database, *OLD, "2025-03-01 00:00:00", "2026-03-31 10:00:00")
    before = live(database)
    clean(database, root, *policy(database, part_rows=40))
    return database, before


def bring(database, *arguments, check=0):
    return database.cli("archive", "restore", *arguments, "--output", "json", check=check).json


def february(rows):
    return [row for row in rows if f"{row[5]:%Y-%m}" == "2024-02"]


def test_a_month_comes_back_into_a_table_of_its_own(cleaned):
    database, before = cleaned
    answer = bring(database, "2024-02")
    assert (answer["data"]["into"], answer["data"]["restored_rows"]) == (STAGING, 100)
    staged = database.query(f"SELECT {coldstore.COLUMNS} FROM {STAGING} ORDER BY id")
    assert [tuple(row.values()) for row in staged] == february(before)
    assert len(live(database)) == 2
    again = bring(database, "2024-02")
    assert (again["data"]["restored_rows"], again["data"]["already_there"]) == (0, 100)


def test_a_month_in_the_live_table_stays_until_it_is_released(cleaned, root):
    database, before = cleaned
    assert bring(database, "2024-02", "--to-table", "live")["data"]["restored_rows"] == 100
    assert live(database, "timestamp < '2025-01-01'") == february(before)
    kept = clean(database, root)
    assert (kept["steps"], kept["data"]["held_months"]) == ([], ["2024-02"])
    assert bring(database, "2024-02", "--release")["data"]["released"]
    gone = clean(database, root)
    assert (gone["data"]["deleted_rows"], gone["data"]["archived_rows"]) == (100, 0)
    assert len(live(database)) == 2
    assert coldstore.rows(root) == [row for row in before if row[5].year == 2024]
    verify(database)


def test_it_stays_where_nothing_is_archived_too(cleaned, root):
    database, _ = cleaned
    bring(database, "2024-02", "--to-table", "live")
    more(database, "2024-06-01 00:00:00")
    everything = live(database)
    refused = clean(database, root, "--no-archive", check=5)["error"]
    assert refused["code"] == "held"
    assert live(database) == everything
    bring(database, "2024-02", "--release")
    assert clean(database, root, "--no-archive")["data"]["deleted_rows"] == 101


def test_one_row_is_told_of_in_the_singular(database, root):
    database.install()
    truth.fill(database, "2024-02-01 00:00:00")
    destination = ("--to", str(root), "--now", "2026-03-31T23:30:00")
    for command, told in (
        (("archive", "run", *destination), "\n1 interaction of 1 month archived"),
        (("archive", "list"), "1 interaction of 1 month in"),
        (("archive", "verify"), "1 part with 1 interaction read again"),
        (
            ("cleanup", "--months", "12", *destination, "--yes"),
            "\n1 interaction older than 2025-03-01 00:00:00 deleted",
        ),
        (("archive", "restore", "2024-02"), f"\n1 row of 2024-02 is in {STAGING}."),
    ):
        assert told in database.cli(*command).stdout


def test_conflicts_and_missing_parents_are_left_out_and_reported(cleaned, root):
    database, before = cleaned
    there, lost = february(before)[0], february(before)[1][1]
    truth.execute(
        database, f"DELETE FROM users WHERE id = {lost}",
        f"INSERT INTO {INTERACTIONS} (id, user_id, product_id, interaction_type, timestamp)"
        f" SELECT {there[0]}, MIN(users.id), MIN(product.id), 'OTHER', '2026-03-30' FROM users, product",
    )  # fmt: skip
    orphans = [row for row in february(before) if row[1] == lost]
    answer = bring(database, "2024-02", "--to-table", "live", check=3)
    data = answer["data"]
    clash = 0 if there[1] == lost else 1
    assert (data["conflicts"], data["conflicting_ids"]) == (1, [there[0]])
    assert data["without_parent"] == len(orphans) - (1 - clash)
    assert data["restored_rows"] == 100 - 1 - data["without_parent"]
    assert live(database, f"id = {there[0]}")[0][3] == "OTHER"
    bring(database, "2024-02", "--release")
    clean(database, root)
    archived = coldstore.rows(root)  # what could not come back is still there, once
    assert archived == [row for row in before if row[5].year == 2024]


def test_a_changed_row_of_a_restored_month_is_archived_with_its_new_values(cleaned, root):
    database, before = cleaned
    bring(database, "2024-02", "--to-table", "live")
    number = february(before)[5][0]
    truth.execute(database, f"UPDATE {INTERACTIONS} SET reward = 8.5, timestamp = timestamp WHERE id = {number}")
    bring(database, "2024-02", "--release")
    clean(database, root)
    found = [row for row in coldstore.rows(root) if row[0] == number]
    assert [float(row[7]) for row in found] == [8.5]
    assert len(coldstore.rows(root)) == 300
    verify(database)


def test_a_column_added_since_keeps_what_can_not_come_back(cleaned, root):
    database, before = cleaned
    lost = february(before)[1][1]
    truth.execute(database, f"DELETE FROM users WHERE id = {lost}")
    bring(database, "2024-02", "--to-table", "live", check=3)
    truth.execute(
        database, f"ALTER TABLE {INTERACTIONS} ADD COLUMN note VARCHAR(20)",
        f"UPDATE {INTERACTIONS} SET note = CONCAT('n', id), timestamp = timestamp",
    )  # fmt: skip
    bring(database, "2024-02", "--release")
    clean(database, root)
    assert coldstore.rows(root) == [row for row in before if row[5].year == 2024]
    noted = {row[0]: row[1] for row in coldstore.rows(root, "id, note")}
    for row in february(before):
        assert noted[row[0]] == (None if row[1] == lost else f"n{row[0]}")
    verify(database)


@pytest.mark.parametrize("into", ["staging", "live"])
def test_a_month_comes_back_without_a_column_that_is_gone(cleaned, root, into):
    database, before = cleaned
    truth.execute(database, f"ALTER TABLE {INTERACTIONS} DROP COLUMN session_id, ADD COLUMN sid VARCHAR(20)")
    answer = bring(database, "2024-02", "--to-table", into)
    assert (answer["data"]["restored_rows"], answer["data"]["left_out_columns"]) == (100, ["session_id"])
    assert any("left out: session_id" in note for note in answer["notes"])
    kept = coldstore.COLUMNS.replace("session_id, ", "")
    back = database.query(f"SELECT {kept} FROM {answer['data']['into']} WHERE timestamp < '2025-01-01' ORDER BY id")
    assert [tuple(row.values()) for row in back] == [row[:4] + row[5:] for row in february(before)]
    assert bring(database, "2024-02", "--to-table", into)["data"]["already_there"] == 100
    assert database.query("SELECT COUNT(*) AS n FROM rlops_job WHERE state <> 'done'")[0]["n"] == 0
    assert [row for row in coldstore.rows(root) if row[5].month == 2] == february(before)


def test_rows_that_come_back_otherwise_are_named(cleaned):
    database, before = cleaned
    changes = "SET NEW.session_id = IF(NEW.id % 2, 'x', NEW.session_id)"
    truth.execute(
        database, f"CREATE TRIGGER mine BEFORE INSERT ON {INTERACTIONS} FOR EACH ROW {changes}",
        f"ALTER TABLE {INTERACTIONS} MODIFY reward DECIMAL(12,4), MODIFY timestamp DATETIME(3) NOT NULL",
    )  # fmt: skip
    odd = [row[0] for row in february(before) if row[0] % 2]
    answer = bring(database, "2024-02", "--to-table", "live", check=3)
    named = answer["data"]["changed_ids"]
    assert (answer["data"]["changed"], len(named)) == (len(odd), 20) and {*named} < {*odd}
    assert answer["data"]["restored_rows"] == 100 and any(
        "other values than the archive's" in note for note in answer["notes"]
    )


def test_what_a_narrower_column_rounds_is_named_and_a_wider_one_holds_the_same(cleaned):
    database, before = cleaned
    rows = len(february(before))
    truth.execute(database, f"ALTER TABLE {INTERACTIONS} MODIFY reward DECIMAL(10,0)")
    narrow = bring(database, "2024-02", "--to-table", "live", check=3)["data"]
    assert (narrow["restored_rows"], narrow["changed"]) == (rows, rows)
    truth.execute(
        database, f"ALTER TABLE {INTERACTIONS} MODIFY reward DECIMAL(12,4), MODIFY timestamp DATETIME(3) NOT NULL",
        f"UPDATE {INTERACTIONS} SET reward = 0.1 WHERE timestamp < '2025-01-01' AND id > 8",
    )  # fmt: skip
    wide = bring(database, "2024-02", "--to-table", "live", check=3)["data"]
    assert (wide["already_there"], wide["conflicts"], wide["conflicting_ids"]) == (rows - 3, 3, [2, 5, 8])


@pytest.mark.parametrize("into", ["staging", "live"])
def test_a_column_that_the_archive_has_no_value_for_is_named_before_anything_is_made(cleaned, into):
    database, before = cleaned
    truth.execute(
        database,
        f"ALTER TABLE {INTERACTIONS} ADD COLUMN `a``b` VARCHAR(20) NOT NULL, ADD COLUMN n INT NOT NULL DEFAULT 7",
    )
    as_it_was = truth.snapshot(database)
    refused = bring(database, "2024-02", "--to-table", into, check=5)["error"]
    assert refused["code"] == "no_value" and "no value for a`b," in refused["message"]
    assert truth.snapshot(database) == as_it_was
    truth.execute(database, refused["hint"].partition("there: ")[2].replace("…", "'?'"))
    table = bring(database, "2024-02", "--to-table", into)["data"]["into"]
    back = database.query(f"SELECT `a``b` AS a, n FROM {table} WHERE timestamp < '2025-01-01'")
    assert [tuple(row.values()) for row in back] == [("?", 7)] * len(february(before))


def test_a_place_without_an_archive_is_not_found_to_be_fine(migrated, root):
    refused = migrated.cli("archive", "verify", "--to", str(root), "--output", "json", check=5).json["error"]
    assert refused["code"] == "no_archive" and str(root) in refused["message"]


def test_what_the_archive_has_not_is_refused(cleaned):
    database, _ = cleaned
    assert bring(database, "2023-01", check=5)["error"]["code"] == "no_part"
    assert bring(database, "2024-13", check=2)["status"] == "failed"
    before = truth.snapshot(database)
    assert bring(database, "2024-02", "--dry-run")["steps"]
    assert truth.snapshot(database) == before


@pytest.mark.parametrize("into", ["staging", "live"])
def test_a_part_that_is_not_finished_does_not_count(database, root, into):
    database.install()
    truth.fill(database, *["2024-02-01 00:00:00"] * 3, "2024-01-01 00:00:00")
    limited = policy(database, part_rows=2)
    archive(database, root, *limited)
    truth.execute(database, "UPDATE rlops_part SET state = 'planned' WHERE month = '2024-01-01' OR number = 2")
    before = truth.snapshot(database)
    refused = bring(database, "2024-01", "--to-table", into, check=5)["error"]
    assert (refused["code"], "no finished part of 2024-01" in refused["message"]) == ("no_part", True)
    assert truth.snapshot(database) == before
    answer = bring(database, "2024-02", "--to-table", into)
    assert answer["data"]["restored_rows"] + answer["data"]["already_there"] == 2
    assert any("1 part not finished" in note for note in answer["notes"])


def test_a_damaged_part_stops_the_restore_and_says_so(cleaned, root):
    database, _ = cleaned
    part = next(path for path in coldstore.files(root) if "month=02" in str(path))
    part.write_bytes(part.read_bytes()[:-7] + b"garbage")
    failed = bring(database, "2024-02", "--to-table", "live", check=1)
    assert "part-" in failed["error"]["message"]
    assert {state for _, state in states(database)} <= {"done", "verified"}


def cut_off(database, root, month, number, *arguments):
    """A restore that fails at a part whose file isn't there, which is back afterwards."""
    part = next(
        path for path in coldstore.files(root) if f"month={month}" in str(path) and f"{number:05}." in str(path)
    )
    part.rename(part.with_suffix(".away"))
    failed = bring(database, *arguments, check=1)
    part.with_suffix(".away").rename(part)
    return failed


def staged(database, name=STAGING):
    return [tuple(row.values()) for row in database.query(f"SELECT {coldstore.COLUMNS} FROM {name} ORDER BY id")]


def test_an_interrupted_restore_begins_anew_in_a_new_table(cleaned, root):
    database, before = cleaned
    cut_off(database, root, "02", 2, "2024-02")
    assert len(staged(database)) == 40
    truth.execute(database, f"DROP TABLE {STAGING}")
    data = bring(database, "2024-02")["data"]
    assert (data["resumed"], data["restored_rows"], data["already_there"]) == (True, 100, 0)
    assert staged(database) == february(before)


def test_what_cleanup_took_after_an_interrupted_restore_comes_back(cleaned, root):
    database, before = cleaned
    cut_off(database, root, "02", 2, "2024-02", "--to-table", "live")
    bring(database, "2024-02", "--release")
    assert clean(database, root)["data"]["deleted_rows"] == 40
    assert bring(database, "2024-02", "--to-table", "live")["data"]["restored_rows"] == 100
    assert live(database, "timestamp < '2025-01-01'") == february(before)


def test_a_part_that_came_after_an_interrupted_restore_comes_back(cleaned, root):
    database, before = cleaned
    months = ("2024-02", "2024-03")
    cut_off(database, root, "03", 2, *months)
    more(database, "2024-02-20 00:00:00")
    late = live(database, "timestamp < '2025-01-01'")
    clean(database, root)
    data = bring(database, *months)["data"]
    assert data["restored_rows"] + data["already_there"] == 201
    wanted = [row for row in before if f"{row[5]:%Y-%m}" in months] + late
    assert staged(database, f"{STAGING}_202403") == sorted(wanted)


def test_rows_that_a_file_lacks_fail_the_restore(cleaned):
    database, _ = cleaned
    truth.execute(database, "UPDATE rlops_part SET row_count = row_count + 2 WHERE month = '2024-02-01' AND number = 2")
    failed = bring(database, "2024-02", check=1)
    assert failed["error"]["code"] == "other_count"
    assert "100 rows, and the parts have 102 on record: 100 came back now" in failed["error"]["message"]
    assert "rlops archive verify" in failed["error"]["hint"]
    truth.execute(database, "UPDATE rlops_part SET row_count = row_count - 2 WHERE month = '2024-02-01' AND number = 2")
    assert bring(database, "2024-02")["data"]["already_there"] == 100


def test_a_part_whose_replacement_was_interrupted_comes_back_as_its_file_is(cleaned):
    database, _ = cleaned
    truth.execute(
        database,
        "UPDATE rlops_part SET row_count = row_count + 1, replacing = 1 WHERE month = '2024-02-01' AND number = 2",
    )
    assert bring(database, "2024-02")["data"]["restored_rows"] == 100
    assert database.query("SELECT COUNT(*) AS n FROM rlops_part WHERE replacing")[0]["n"] == 0


def test_many_months_come_back_into_a_table_with_a_shorter_name(database, root):
    database.install()
    months = [f"2024-{number:02}" for number in range(1, 11)]
    truth.fill(database, *[f"{month}-05 00:00:00" for month in months], "2026-03-31 10:00:00")
    before = live(database, "timestamp < '2025-01-01'")
    clean(database, root)
    five, all_but_one, every = (
        bring(database, *each)["data"]["into"] for each in (months[:5], [*months[:8], months[9]], months)
    )
    assert len({five, all_but_one, every}) == 3 and max(map(len, (five, all_but_one, every))) <= 64
    assert (every[:-8], staged(database, every)) == (f"{INTERACTIONS}__restored_202401_202410_", before)
    assert bring(database, *reversed(months))["data"]["already_there"] == 10
    subjects = [
        row["subject"] for row in database.query("SELECT subject FROM rlops_job WHERE kind = 'archive restore'")
    ]
    assert sorted(subjects) == sorted(
        [f"staging {name.partition('__restored_')[2]}" for name in (five, all_but_one, every, every)]
    )
    truth.execute(database, f"DELETE FROM users WHERE id = {before[0][1]}")
    erased = database.cli("archive", "erase", "--confirm", database.name, "--output", "json").json
    assert erased["exit_code"] == 0
    assert staged(database, every) == before[1:]


@pytest.mark.parametrize("more", [(), ("--integrity", "none")], ids=["triggers", "none"])
def test_on_a_partitioned_table_rows_without_a_parent_are_left_out_too(cleaned, more):
    database, before = cleaned
    if more and database.server.family == "oceanbase":
        pytest.skip("OceanBase keeps its foreign keys on a partitioned table, so nothing is given up")
    database.cli("partition", "enable", "--offline", *more)
    lost = february(before)[1][1]
    truth.execute(database, f"DELETE FROM users WHERE id = {lost}")
    wanted = [row for row in february(before) if row[1] != lost]
    data = bring(database, "2024-02", "--to-table", "live", check=3)["data"]
    assert (data["restored_rows"], data["without_parent"]) == (len(wanted), 100 - len(wanted))
    assert live(database, "timestamp < '2025-01-01'") == wanted


@pytest.mark.parametrize("into", ["staging", "live"])
def test_the_row_0_and_days_of_early_years_come_back_as_they_are(database, root, into):
    database.install()
    truth.fill(database, *["2024-02-05 00:00:00"] * 4, "2026-03-31 10:00:00")
    days = ["0999-12-31"] if database.server.family == "oceanbase" else ["0999-12-31", "0000-05-01"]
    truth.execute(
        database, "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'", f"ALTER TABLE {INTERACTIONS} ADD COLUMN day DATE",
        f"UPDATE {INTERACTIONS} SET id = 0, timestamp = timestamp WHERE id = 2",
        *[f"UPDATE {INTERACTIONS} SET day = '{day}', timestamp = timestamp WHERE id = {3 * n}" for n, day in enumerate(days)],
    )  # fmt: skip
    read = "SELECT id, user_id, timestamp, CAST(day AS CHAR) AS day FROM {} WHERE timestamp < '2025-01-01' ORDER BY id"
    before = database.query(read.format(INTERACTIONS))
    assert before[0]["id"] == 0 and {row["day"] for row in before} >= set(days)
    clean(database, root)
    data = bring(database, "2024-02", "--to-table", into)["data"]
    assert database.query(read.format(data["into"])) == before
    assert bring(database, "2024-02", "--to-table", into)["data"]["already_there"] == 4
    assert len(database.query(f"SELECT id FROM {INTERACTIONS}")) == (1 if into == "staging" else 5)
