"""rlops cleanup with an archive: what goes from the table is in a verified part, with the values that it went with."""

from __future__ import annotations

import shutil
import signal
from decimal import Decimal
from functools import partial

import coldstore
import pyarrow.parquet
import pymysql
import pytest
import truth
from sessions import answer, ours, stopped
from test_archive import archive, live, more, policy, verify
from truth import TABLES

from rlops.archive import deleting, export, parquet, rows

__all__ = ["ours"]

INTERACTIONS = TABLES[0]
NOW = "2026-03-31T23:30:00"
OLD = [f"2024-0{n % 3 + 1}-{n % 28 + 1:02} 00:00:{n % 60:02}" for n in range(300)]


@pytest.fixture
def filled(database):
    database.install()
    truth.fill(database, *OLD, "2025-03-01 00:00:00", "2026-03-31 10:00:00")
    return database


def clean(database, root, *options, months=12, check=0):
    arguments = ("--months", str(months), "--to", str(root), "--now", NOW, "--yes", "--output", "json")
    return database.cli("cleanup", *arguments, *options, check=check).json


def states(database):
    return [
        (row["number"], row["state"])
        for row in database.query("SELECT number, state FROM rlops_part ORDER BY month, number")
    ]


def whole(database, root, before):
    """Each row of before is in the table, or went and is in the archive, once, as it was."""
    here, there = live(database), coldstore.rows(root)
    alive = {row[0] for row in here}
    assert len({row[0] for row in there}) == len(there)
    assert sorted(here + [row for row in there if row[0] not in alive]) == sorted(before)
    assert coldstore.problems(root) + coldstore.unpublished(root) == []


def test_what_is_expired_is_archived_and_then_deleted(filled, root):
    before = live(filled)
    answer = clean(filled, root)
    assert (answer["data"]["deleted_rows"], answer["data"]["archived_rows"]) == (300, 300)
    assert len(live(filled)) == 2
    whole(filled, root, before)
    assert {state for _, state in states(filled)} == {"done"}
    assert verify(filled)["data"]["rows"] == 300
    assert clean(filled, root)["steps"] == []


def test_what_was_archived_at_six_months_is_not_archived_again(filled, root):
    before = live(filled)
    archive(filled, root, *policy(filled, part_rows=40))
    answer = clean(filled, root)
    assert (answer["data"]["deleted_rows"], answer["data"]["archived_rows"]) == (300, 0)
    whole(filled, root, before)


def test_rows_that_came_changed_or_went_since_the_export(filled, root):
    archive(filled, root, *policy(filled, part_rows=40))
    before = live(filled)
    gone = [row[0] for row in before[3:30:7]]
    truth.execute(
        filled, f"UPDATE {INTERACTIONS} SET reward = 9.99, session_id = 'changed', timestamp = timestamp WHERE id % 11 = 3",
        f"UPDATE {INTERACTIONS} SET timestamp = '2024-02-15 12:00:00' WHERE id % 29 = 4",  # to another month
        f"UPDATE {INTERACTIONS} SET timestamp = '2026-01-01 00:00:00' WHERE id % 31 = 5",  # out of what is expired
        f"DELETE FROM {INTERACTIONS} WHERE id IN ({', '.join(map(str, gone))})",
    )  # fmt: skip
    more(filled, *["2024-01-05 06:07:08"] * 20, "2023-12-31 23:59:59")
    latest = {row[0]: row for row in live(filled)}
    clean(filled, root)
    assert [row for row in live(filled) if str(row[5]) < "2025-03-01"] == []
    archived = coldstore.rows(root)
    assert len({row[0] for row in archived}) == len(archived)
    here = live(filled)
    removed = {row[0]: row for row in before if row[0] in gone}  # the shop's own deletions stay readable
    stale = {row[0] for row in archived} & {row[0] for row in here}
    assert sorted(row for row in archived if row[0] not in stale) == sorted(
        [row for row in latest.values() if row[0] not in {row[0] for row in here}] + list(removed.values())
    )
    assert {
        row[0] for row in here
    } >= stale  # moved out of what is expired: alive, and exported anew when its time comes
    assert int(filled.query("SELECT SUM(removed_rows) AS n FROM rlops_part")[0]["n"]) == len(gone)
    verify(filled)


def test_what_a_killed_replacement_left_behind_is_cleared_away(filled, root):
    before = live(filled)
    clean(filled, root)
    path = coldstore.files(root)[0]
    left = path.with_name(f".{path.name}.tmp")
    left.write_bytes(b"half a file")
    truth.execute(filled, "UPDATE rlops_part SET replacing = 1 WHERE number = 1 AND month = '2024-01-01'")
    assert coldstore.unpublished(root)
    clean(filled, root)
    whole(filled, root, before)


def test_a_month_whose_rows_the_shop_has_all_removed_is_done_with(filled, root):
    archive(filled, root)
    gone = truth.count(filled, INTERACTIONS, "timestamp < '2024-02-01'")
    truth.execute(filled, f"DELETE FROM {INTERACTIONS} WHERE timestamp < '2024-02-01'")
    clean(filled, root)
    expired = filled.query(
        "SELECT month, state, removed_rows FROM rlops_part WHERE month < '2025-03-01' ORDER BY month"
    )
    assert {row["state"] for row in expired} == {"done"}
    assert [row["removed_rows"] for row in expired] == [gone, 0, 0]
    assert clean(filled, root)["steps"] == []


def test_a_row_that_moves_back_is_archived_once_with_its_latest_values(filled, root):
    """From a later month, exported and not deleted yet, to an earlier one: the later part's copy is stale."""
    archive(filled, root)
    number = filled.query(f"SELECT MIN(id) AS id FROM {INTERACTIONS} WHERE timestamp >= '2024-03-01'")[0]["id"]
    truth.execute(
        filled, f"UPDATE {INTERACTIONS} SET timestamp = '2024-01-01 00:00:00', reward = 7 WHERE id = {number}"
    )
    before = live(filled)
    clean(filled, root)
    whole(filled, root, before)


def test_a_row_that_the_shop_brings_back_replaces_its_copy(filled, root):
    clean(filled, root)
    row = coldstore.rows(root)[0]
    truth.execute(
        filled, f"INSERT INTO {INTERACTIONS} (id, user_id, product_id, interaction_type, timestamp, reward)"
        f" VALUES ({row[0]}, 1, 1, 'CLICK', '{row[5]}', 0.5)",
    )  # fmt: skip
    brought = live(filled, f"id = {row[0]}")[0]
    clean(filled, root)
    archived = coldstore.rows(root)
    assert len(archived) == 300
    assert [each for each in archived if each[0] == row[0]] == [brought]
    verify(filled)


def test_a_file_that_is_not_the_recorded_one_is_not_written_anew_in_its_place(filled, root):
    """It can be decoded, and has a row of an id that has come back: whole, it would count as verified from then on."""
    clean(filled, root)
    path = coldstore.files(root)[0]
    table = pyarrow.parquet.ParquetFile(path).read()
    row = table.slice(0, 1).to_pylist()[0]
    rewards = pyarrow.array([Decimal("4.44")] * len(table), table.schema.field("reward").type)
    forged = table.set_column(table.schema.get_field_index("reward"), table.schema.field("reward"), rewards)
    pyarrow.parquet.write_table(forged, path, compression="zstd", write_page_checksum=True)
    before = path.read_bytes()
    truth.execute(
        filled, f"INSERT INTO {INTERACTIONS} (id, user_id, product_id, interaction_type, timestamp, reward)"
        f" VALUES ({row['id']}, 1, 1, 'CLICK', '{row['timestamp']}', 0.5)",
    )  # fmt: skip
    failed = clean(filled, root, check=1)
    assert "damaged" in failed["error"]["message"]
    assert path.read_bytes() == before
    assert truth.count(filled, INTERACTIONS, f"id = {row['id']}") == 1


def test_a_damaged_part_is_exported_anew_before_anything_of_it_is_deleted(filled, root):
    archive(filled, root)
    before = live(filled)
    part = coldstore.files(root)[0]
    part.write_bytes(part.read_bytes()[:-7] + b"garbage")
    coldstore.files(root)[1].unlink()
    answer = clean(filled, root)
    assert answer["data"]["archived_rows"] == 200
    whole(filled, root, before)


def test_a_part_damaged_in_mid_deletion_stops_the_run(filled, root):
    archive(filled, root)
    truth.execute(filled, "UPDATE rlops_part SET state = 'deleting' WHERE number = 1 AND month = '2024-01-01'")
    before = live(filled)
    part = coldstore.files(root)[0]
    part.write_bytes(part.read_bytes()[:-7] + b"garbage")
    failed = clean(filled, root, check=1)
    assert "damaged" in failed["error"]["message"]
    assert live(filled) == before


def test_a_column_added_since_the_export_is_archived_too(filled, root):
    archive(filled, root)
    truth.execute(
        filled, f"ALTER TABLE {INTERACTIONS} ADD COLUMN note VARCHAR(20)",
        f"UPDATE {INTERACTIONS} SET note = CONCAT('n', id), timestamp = timestamp",
    )  # fmt: skip
    clean(filled, root)
    assert coldstore.rows(root, "note, id")[:300] == [(f"n{row[0]}", row[0]) for row in coldstore.rows(root)[:300]]


def test_a_restored_months_hold_keeps_it(filled, root):
    archive(filled, root)
    truth.execute(filled, "UPDATE rlops_part SET held = 1 WHERE month = '2024-02-01'")
    answer = clean(filled, root)
    assert answer["data"]["held_months"] == ["2024-02"]
    assert len(live(filled)) == 102


def test_production_needs_an_archive_or_to_mean_it(database, root):
    database.install("production")
    truth.fill(database, *["2020-01-01 00:00:00"] * 10, *["2099-01-01 00:00:00"] * 90)
    before = truth.snapshot(database)
    refused = database.cli("cleanup", "--months", "12", "--yes", "--output", "json", check=5).json
    assert refused["error"]["code"] == "no_destination"
    database.cli("cleanup", "--months", "12", "--yes", "--no-archive", check=5)
    database.cli("cleanup", "--months", "11", "--yes", "--to", str(root), check=5)  # fewer than the policy's
    assert truth.snapshot(database) == before
    database.cli("cleanup", "--months", "12", "--yes", "--to", str(root))
    assert len(coldstore.rows(root)) == 10


def test_a_dry_run_writes_nothing(filled, root):
    before = truth.snapshot(filled)
    answer = clean(filled, root, "--dry-run")
    assert answer["data"]["expired_rows"] == 300
    assert str(root) in " ".join(answer["notes"])
    assert truth.snapshot(filled) == before
    assert not root.exists()


def test_the_archive_gone_means_that_nothing_is_deleted(filled, root):
    archive(filled, root)
    before = live(filled)
    shutil.move(root, root.with_name("elsewhere"))
    refused = clean(filled, root, check=5)
    assert refused["error"]["code"] == "archive_gone"
    assert live(filled) == before


@pytest.mark.parametrize("before", ["export:Export._export", "retention:Retention._begin"])
def test_an_archive_that_goes_in_mid_run_is_not_made_anew(ours, root, before):
    """Its folder would be the bare mount point."""
    ours.install()
    truth.fill(ours, *OLD)
    rows = live(ours)
    process = stopped(
        ours, f"rlops.archive.{before}", 2, "cleanup", "--months", "12", "--to", str(root), "--now", NOW, "--yes"
    )
    there, elsewhere = live(ours), root.with_name("elsewhere")
    shutil.move(root, elsewhere)
    process.send_signal(signal.SIGCONT)
    said = answer(process)
    assert (said["exit_code"], said["error"]["code"]) == (1, "archive_gone")
    assert not root.exists() and live(ours) == there
    shutil.move(elsewhere, root)
    clean(ours, root)
    whole(ours, root, rows)


@pytest.mark.parametrize(
    ("command", "most"), [(("archive", "run", "--months", "6"), " of about 6,000"), (("cleanup", "--months", "12"), "")]
)
def test_a_long_part_says_how_far_it_is(database, root, monkeypatch, command, most):
    monkeypatch.setattr("rlops.render.progress.PLAIN_EVERY", 0.0)  # else only what takes longer than the test is said
    database.install()
    truth.fill(database, *[f"2024-01-{n % 28 + 1:02} 00:00:{n % 60:02}" for n in range(6000)])
    said = database.cli(*command, "--to", str(root), "--yes").stderr.splitlines()
    assert f"exporting 2024-01 part 1: 5,000{most} rows" in said
    assert "reading back 2024-01 part 1: 6,000 of about 6,000 rows" in said


@pytest.mark.parametrize("options", [(), ("--no-archive",)], ids=["archived", "for good"])
def test_rows_without_a_date_stay_and_are_named(database, root, options):
    """0001-01-01 is some drivers' "no date", and a strict server takes it."""
    database.install()
    truth.fill(database, "0001-01-01 00:00:00", "2026-03-01 00:00:00")
    before = live(database)
    arguments = ("cleanup", "--months", "12", "--now", NOW, "--yes", "--output", "json", *options)
    answer = database.cli(*arguments, *(("--to", str(root)) if not options else ())).json
    assert live(database) == before
    assert any("`timestamp` < '1000-01-01'" in note for note in answer["notes"])


MANY = 12_000


@pytest.fixture
def halfway(database, root):
    """A cleanup that was stopped in the middle of deleting from a part: somebody held a lock on its last row."""
    database.install()
    truth.fill(database, *[f"2025-01-10 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}" for n in range(MANY)])
    archive(database, root)
    with database.connect() as holder, holder.cursor() as cursor:
        holder.begin()
        cursor.execute(f"SELECT id FROM {INTERACTIONS} ORDER BY id DESC LIMIT 1 FOR UPDATE")
        clean(database, root, "--retry-for", "0", check=None)
        holder.rollback()
    assert states(database) == [(1, "deleting")]
    assert 0 < truth.count(database, INTERACTIONS) < MANY
    return database


def test_a_column_added_in_mid_part_is_archived_with_the_rows_that_are_left(halfway, root):
    truth.execute(
        halfway, f"ALTER TABLE {INTERACTIONS} ADD COLUMN note VARCHAR(20)",
        f"UPDATE {INTERACTIONS} SET note = CONCAT('n', id), timestamp = timestamp",
    )  # fmt: skip
    left = [(f"n{row[0]}", row[0]) for row in live(halfway)]
    clean(halfway, root)
    archived = coldstore.rows(root, "note, id")
    assert [row for row in archived if row[0]] == left
    assert len(archived) == len({row[1] for row in archived}) == MANY
    assert live(halfway) == []
    verify(halfway)


def test_a_column_dropped_in_mid_part_does_not_stop_cleanup(halfway, root):
    truth.execute(halfway, f"ALTER TABLE {INTERACTIONS} DROP COLUMN session_id")
    clean(halfway, root)
    assert truth.count(halfway, INTERACTIONS) == 0
    assert [row[0] for row in coldstore.rows(root, "id")] == list(range(1, MANY + 1))
    verify(halfway)


def test_a_column_added_while_cleanup_deletes_is_archived(database, root):
    database.install()
    truth.fill(
        database, *[f"2025-01-{1 + n % 2 * 20} {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}" for n in range(MANY)]
    )
    archive(database, root, *policy(database, part_rows=MANY // 2))
    process = stopped(
        database, "rlops.archive.retention:Retention.chunk", 4, "cleanup", "--months", "12", "--now", NOW, "--yes"
    )
    truth.execute(
        database, f"ALTER TABLE {INTERACTIONS} ADD COLUMN note VARCHAR(20)",
        f"UPDATE {INTERACTIONS} SET note = CONCAT('n', id), timestamp = timestamp",
    )  # fmt: skip
    left = [(f"n{row[0]}", row[0]) for row in live(database)]
    assert MANY // 2 < len(left) < MANY
    process.send_signal(signal.SIGCONT)
    said = answer(process)
    assert said["exit_code"] == 0, said["error"]
    assert [row for row in coldstore.rows(root, "note, id") if row[0]] == left
    assert len(coldstore.rows(root)) == MANY
    assert truth.count(database, INTERACTIONS) == 0
    verify(database)


def test_no_column_changes_between_a_chunk_s_look_and_its_delete(ours, root):
    ours.install()
    truth.fill(ours, *OLD)
    process = stopped(ours, "rlops.archive.deleting:chunk", 1, "cleanup", "--months", "12", "--to", str(root), "--yes")
    with pytest.raises(pymysql.err.OperationalError, match="1205"):
        truth.execute(ours, "SET lock_wait_timeout = 1", f"ALTER TABLE {INTERACTIONS} ADD COLUMN note VARCHAR(20)")
    process.send_signal(signal.SIGCONT)
    assert answer(process)["exit_code"] == 0


def test_long_rows_go_in_smaller_chunks_than_the_time_would_allow(filled, root, monkeypatch):
    before = live(filled)
    archive(filled, root)
    with monkeypatch.context() as patch:
        patch.setattr(deleting, "MOST_BYTES", 1_000)
        answer = clean(filled, root)
    assert answer["data"]["deleted_rows"] == 300
    assert answer["data"]["chunks"] > 30
    whole(filled, root, before)


def test_a_file_of_long_rows_is_written_and_read_in_small_groups(filled, root, monkeypatch):
    before = live(filled)
    with monkeypatch.context() as patch:
        patch.setattr(rows, "PAGE_ROWS", 20)
        patch.setattr(export, "Reader", partial(rows.Reader, page_rows=20))
        patch.setattr(parquet, "GROUP_BYTES", 1_000)
        archive(filled, root)
    with pyarrow.parquet.ParquetFile(coldstore.files(root)[0]) as file:
        assert file.num_row_groups > 3
    verify(filled)
    clean(filled, root)
    whole(filled, root, before)


# 1,048,004 bytes, 1,502 of them quotes; with many more of them, MariaDB's REPLACE() would take minutes.
LONG = "CONCAT('[\"', REPEAT('x', 1045000), REPEAT(CONVERT(CHAR(92, 34) USING utf8mb4), 1500), '\"]')"


@pytest.fixture
def small_packets(filled):
    """A server that makes no text of more than 1 MB, as one with its quotes doubled would be."""
    if filled.server.family == "oceanbase":
        pytest.skip("its CONVERT gives texts of 1 MB at most (5098)")
    before = filled.query("SELECT @@GLOBAL.max_allowed_packet AS n")[0]["n"]
    truth.execute(filled, "SET GLOBAL max_allowed_packet = 1048576")
    yield filled
    truth.execute(filled, f"SET GLOBAL max_allowed_packet = {before}")


@pytest.mark.parametrize("since", ["before the export", "since the export"])
def test_a_value_that_the_server_can_not_quote_is_no_null(small_packets, root, since):
    database = small_packets
    if since == "since the export":
        archive(database, root)
    truth.execute(database, f"UPDATE {INTERACTIONS} SET context = {LONG}, timestamp = timestamp ORDER BY id LIMIT 1")
    latest = live(database)
    assert max(len(row[6] or "") for row in latest) == 1_048_004
    clean(database, root)
    whole(database, root, latest)
    assert len(live(database)) == 2
