"""rlops archive erase on real servers: the rows wanted are gone from everywhere beside the live tables, and no other."""

from __future__ import annotations

import hashlib
import signal

import coldstore
import pytest
import truth
from sessions import answer, cramped, ours, stopped
from truth import TABLES

__all__ = ["ours"]

INTERACTIONS, MODELS, FEATURES = TABLES
NOW = "2026-03-31T23:30:00"
OLD = [f"2025-0{n % 3 + 1}-1{n % 7} 00:00:{n % 60:02}" for n in range(400)]


@pytest.fixture
def archived(migrated, root):
    """Three months archived, 400 rows of users 1 to 20 and products 1 to 19."""
    truth.fill(migrated, *OLD)
    migrated.cli("archive", "run", "--months", "6", "--to", str(root), "--now", NOW)
    return migrated


def erase(database, *options, check=0):
    return database.cli("archive", "erase", *options, "--output", "json", check=check).json


def gone(database, user=None, product=None):
    if user:
        truth.execute(database, f"DELETE FROM users WHERE id = {user}")
    if product:
        truth.execute(database, f"DELETE FROM product WHERE id = {product}")


def sound(database, root):
    """The archive verifies, and each manifest fits its file and names nobody."""
    assert coldstore.problems(root) == []
    assert coldstore.unpublished(root) == []
    assert database.cli("archive", "verify", "--output", "json").json["data"]["findings"] == []
    for path, said in coldstore.manifests(root).items():
        assert said["contents"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert not any(character.isdigit() for line in said["history"] for character in line)


def place(answer, name):
    return next(each for each in answer["data"]["places"] if each["place"] == name)


def test_rows_of_users_and_products_that_are_gone_leave_the_archive_and_no_others(archived, root):
    before = coldstore.rows(root)
    gone(archived, user=3, product=7)
    kept = [row for row in before if row[1] != 3 and row[2] != 7]
    live = truth.rows(archived, INTERACTIONS)
    plan = erase(archived, "--dry-run")
    assert place(plan, "the archive")["found_rows"] == len(before) - len(kept)
    assert plan["data"]["beyond"] != []
    assert coldstore.rows(root) == before
    answer = erase(archived, "--yes", "--confirm", archived.name)
    assert answer["data"]["erased_rows"] == len(before) - len(kept)
    assert place(answer, "the archive")["rewritten_parts"] == 3
    assert coldstore.rows(root) == kept
    assert truth.rows(archived, INTERACTIONS) == live
    sound(archived, root)
    assert erase(archived)["steps"] == []


def test_nothing_to_do(archived, root):
    before = {path: path.read_bytes() for path in root.rglob("*.*")}
    answer = erase(archived)
    assert (answer["steps"], answer["data"]["erased_rows"]) == ([], 0)
    assert {path: path.read_bytes() for path in root.rglob("*.*")} == before


def test_named_ids_go_and_their_live_rows_stay(archived, root, tmp_path):
    before, live = coldstore.rows(root), truth.rows(archived, INTERACTIONS)
    (tmp_path / "ids").write_text("2\n\n4\n")
    erase(archived, "--user", "1", "--product", "5", "--users-from", str(tmp_path / "ids"), "--confirm", archived.name)
    assert coldstore.rows(root) == [row for row in before if row[1] not in (1, 2, 4) and row[2] != 5]
    assert truth.rows(archived, INTERACTIONS) == live
    sound(archived, root)


def test_a_yes_is_not_enough_above_the_share(archived, root):
    before = coldstore.rows(root)
    truth.execute(archived, "DELETE FROM users WHERE id > 10")
    answer = erase(archived, "--yes", check=5)
    assert answer["error"]["code"] == "needs_confirmation"
    assert "50%" in answer["error"]["message"]
    assert coldstore.rows(root) == before
    erase(archived, "--confirm", archived.name)
    assert coldstore.rows(root) == [row for row in before if row[1] <= 10]


@pytest.mark.parametrize("parents", ["users", "product"])
def test_an_empty_table_of_parents_erases_nothing_whoever_confirms(archived, root, parents):
    before = coldstore.rows(root)
    truth.execute(archived, f"DELETE FROM {parents}")
    answer = erase(archived, "--confirm", archived.name, check=5)
    assert answer["error"]["code"] == "no_parents"
    assert coldstore.rows(root) == before


def test_a_damaged_part_is_named_and_the_others_are_done(archived, root):
    gone(archived, user=3)
    broken, *others = coldstore.files(root)
    data = bytearray(broken.read_bytes())
    data[len(data) // 3] ^= 1
    broken.write_bytes(bytes(data))
    answer = erase(archived, "--yes", "--confirm", archived.name, check=3)
    (unreached,) = answer["data"]["unreached"]
    assert unreached["place"] == str(broken.relative_to(root))
    assert broken.read_bytes() == bytes(data)
    for path in others:
        assert 3 not in {row[1] for row in coldstore.duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()}
    assert erase(archived, "--yes", check=3)["data"]["unreached"] == [unreached]
    listed = erase(archived, "--user", "4", "--confirm", archived.name, check=3)
    assert "the same command again" in listed["next"]  # without --user it erases other rows


def test_an_unwritable_archive_fails_and_the_next_run_finishes(archived, root):
    before = coldstore.rows(root)
    gone(archived, user=3)
    answer = cramped(archived, 1024, "archive", "erase", "--yes")
    assert answer["error"]["code"] == "archive_store", answer
    assert coldstore.rows(root) == before
    erase(archived, "--yes")
    assert coldstore.rows(root) == [row for row in before if row[1] != 3]
    sound(archived, root)


def test_a_copy_of_the_database_does_not_erase_from_the_original_s_archive(archived, root):
    before = coldstore.rows(root)
    gone(archived, user=3)
    truth.execute(archived, "UPDATE rlops_state SET value = 'another' WHERE name = 'installation_id'")
    assert erase(archived, "--yes", check=5)["error"]["code"] == "other_installation"
    assert coldstore.rows(root) == before


def test_backups_and_what_lies_beside_them_are_cleaned_and_the_backup_is_still_restored(migrated):
    truth.fill(migrated, *OLD)
    migrated.cli("rollback", "--yes")
    (backup,) = [name for name in truth.tables(migrated) if name.startswith(f"{INTERACTIONS}__backup_")]
    features = backup.replace(INTERACTIONS, FEATURES)
    beside = [
        f"{INTERACTIONS}{mark}"
        for mark in ("__set_aside_x", "__conflict_x", "__replaced_x", "__restored_202501", "__hold_p202501")
    ]
    for name in beside:
        truth.execute(migrated, f"CREATE TABLE {name} LIKE {backup}", f"INSERT INTO {name} SELECT * FROM {backup}")
    whole = {name: truth.rows(migrated, name) for name in (backup, features, *beside)}
    gone(migrated, user=3, product=7)
    answer = erase(migrated, "--confirm", migrated.name)
    left = {
        name: [row for row in rows if row[1] != 3 and (name == features or row[2] != 7)] for name, rows in whole.items()
    }
    assert {name: truth.rows(migrated, name) for name in whole} == left
    assert place(answer, backup)["erased_rows"] == len(whole[backup]) - len(left[backup])
    known = {each["backup_table"]: each["rows"] for each in shown(migrated, backup)["tables"]}
    assert known[backup] == len(left[backup])
    assert erase(migrated)["steps"] == []
    restored = migrated.cli("restore", "--yes", "--output", "json").json
    assert {each["orphans"] for each in restored["data"]["tables"]} == {0}
    assert truth.rows(migrated, INTERACTIONS) == left[backup]


def test_a_copy_in_another_schema_is_cleaned_and_its_hash_still_fits(migrated):
    elsewhere = f"{migrated.name}_elsewhere"
    truth.execute(migrated, f"DROP DATABASE IF EXISTS `{elsewhere}`", f"CREATE DATABASE `{elsewhere}`")
    truth.fill(migrated, *OLD)
    migrated.cli("rollback", "--backup", "copy", "--to-database", elsewhere, "--yes")
    (backup,) = [name for name in truth.tables(migrated) if name.startswith(f"{INTERACTIONS}__backup_")]
    gone(migrated, user=3)
    answer = erase(migrated, "--confirm", migrated.name)
    assert place(answer, f"{elsewhere}.{backup}")["erased_rows"] == 20
    kept = migrated.query(f"SELECT COUNT(*) AS n, SUM(user_id = 3) AS gone FROM `{elsewhere}`.`{backup}`")[0]
    assert (kept["n"], kept["gone"]) == (380, 0)
    said = next(each for each in shown(migrated, backup)["copies"] if each["table"] == INTERACTIONS)
    assert said["rows"] == 380
    assert (said["xor1"], said["xor2"]) == truth_hash(migrated, elsewhere, backup)
    truth.execute(migrated, f"DROP DATABASE `{elsewhere}`")


def shown(database, backup):
    """What `backups show` says of a backup, by the name of one of its tables."""
    number = backup.rpartition("__backup_")[2]
    return database.cli("backups", "show", number, "--output", "json").json["data"]["manifest"]


def truth_hash(database, schema, table):
    """The XOR of each row's first 128 bits of SHA-256, told in Python from the server's own texts."""
    first = second = 0
    columns = coldstore.COLUMNS.split(", ")
    order = [row["Field"] for row in database.query(f"SHOW COLUMNS FROM `{schema}`.`{table}`")]
    assert sorted(order) == sorted(columns)
    texts = ", ".join(f"CONVERT(`{name}` USING utf8mb4) AS `{name}`" for name in order)
    for row in database.query(f"SELECT {texts} FROM `{schema}`.`{table}`"):
        values = [None if row[name] is None else str(row[name]).encode() for name in order]
        text = b"".join(b"N" if value is None else b"%d:%s" % (len(value), value) for value in values)
        digest = hashlib.sha256(text).digest()
        first ^= int.from_bytes(digest[:8], "big")
        second ^= int.from_bytes(digest[8:16], "big")
    return first, second


def test_a_cleanup_that_was_stopped_in_mid_part_finishes_with_each_row_once(migrated, root):
    stamps = [f"2025-01-10 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}" for n in range(12_000)]
    truth.fill(migrated, *stamps, *["2099-01-01"] * 200)
    migrated.cli("archive", "run", "--months", "6", "--to", str(root), "--now", NOW)
    before = coldstore.rows(root)
    cleanup = ("cleanup", "--months", "12", "--now", NOW, "--confirm", migrated.name)
    with migrated.connect() as holder, holder.cursor() as cursor:
        holder.begin()
        cursor.execute(f"SELECT id FROM {INTERACTIONS} WHERE id = {before[-1][0]} FOR UPDATE")
        migrated.cli(*cleanup, "--retry-for", "0", check=None)
        holder.rollback()
    (part,) = migrated.query("SELECT state, watermark, deleted_rows FROM rlops_part")
    assert part["state"] == "deleting"
    assert 0 < part["deleted_rows"] < len(before)
    gone(migrated, user=3)
    kept = [row for row in before if row[1] != 3]
    assert erase(migrated, "--yes")["data"]["erased_rows"] == len(before) - len(kept)
    assert migrated.query("SELECT state, watermark FROM rlops_part") == [
        {"state": "deleting", "watermark": part["watermark"]}
    ]
    migrated.cli(*cleanup)
    assert coldstore.rows(root) == kept
    assert truth.count(migrated, INTERACTIONS, "timestamp < '2099-01-01'") == 0
    assert truth.count(migrated, INTERACTIONS) == 190
    sound(migrated, root)


def test_a_file_that_was_published_and_not_recorded_is_removed(ours, root):
    """The run was killed between the two: the part is planned yet, and its rows are all in the live table."""
    ours.install()
    truth.fill(ours, *OLD)
    export = ("archive", "run", "--months", "6", "--to", str(root), "--now", NOW)
    process = stopped(ours, "rlops.archive.parts:exported", 2, *export)
    process.kill()
    process.wait()
    (recorded, unrecorded) = coldstore.files(root)
    gone(ours, user=3)
    assert 3 in {row[1] for row in coldstore.duckdb.sql(f"SELECT * FROM read_parquet('{unrecorded}')").fetchall()}
    answer = erase(ours, "--yes")
    assert any("uploads" in each for each in answer["data"]["beyond"])
    assert coldstore.files(root) == [recorded]
    assert 3 not in {row[1] for row in coldstore.rows(root)}
    ours.cli(*export)
    assert len(coldstore.rows(root)) == truth.count(ours, INTERACTIONS)
    sound(ours, root)


@pytest.mark.parametrize(
    "before",
    ["rlops.lock:run_lock", "rlops.ops.archive.erase_parts:Erasing.chunk", "rlops.ops.archive.erase_tables:Rows.chunk"],
)
def test_users_who_are_loaded_anew_meanwhile_keep_their_rows(archived, root, before):
    """A nightly job has emptied `users` and filled half of it while the run waits for its lock, or is at work."""
    backup = f"{INTERACTIONS}__backup_20250101_000000"
    truth.execute(
        archived, f"CREATE TABLE {backup} LIKE {INTERACTIONS}", f"INSERT INTO {backup} SELECT * FROM {INTERACTIONS}"
    )
    kept = [row for row in coldstore.rows(root) if row[1] != 3]
    gone(archived, user=3)
    process = stopped(archived, before, 1, "archive", "erase", "--yes")
    truth.execute(archived, "DELETE FROM users WHERE id > 10")
    process.send_signal(signal.SIGCONT)
    said = answer(process)
    assert said["exit_code"] == 0, said["error"]
    assert coldstore.rows(root) == kept
    assert {row[1] for row in truth.rows(archived, backup)} == {*range(1, 21)} - {3}
    assert said["data"]["erased_rows"] == 40
    sound(archived, root)


@pytest.mark.parametrize(
    "before",
    ["rlops.archive.store:Store.files", "rlops.ops.archive.verify:_Reading._part", "rlops.archive.parquet:check"],
)
def test_a_verify_meanwhile_finds_nothing_wrong(archived, root, before):
    process = stopped(archived, before, 1, "archive", "verify")
    erase(archived, "--user", "3", "--yes")
    archived.cli("cleanup", "--months", "6", "--to", str(root), "--now", NOW, "--yes")
    process.send_signal(signal.SIGCONT)
    assert answer(process)["data"]["findings"] == []
    (root / "table=user_product_interactions/year=2025/month=02/part-00001.parquet").unlink()
    found = archived.cli("archive", "verify", "--output", "json", check=3).json["data"]
    assert [(each["check"], each["actual"]) for each in found["findings"]] == [("file", "missing")]
    assert found["parts"] == len(coldstore.files(root))


def test_a_list_that_is_longer_than_a_statement_may_be_is_refused(archived, root):
    """The server hangs up on it, as often as it is sent."""
    file = archived.home / "ids"
    file.write_text("\n".join(str(10**8 + number) for number in range(10_000)))
    (most,) = archived.query("SELECT @@GLOBAL.max_allowed_packet AS n")
    before = coldstore.rows(root)
    try:
        truth.execute(archived, "SET GLOBAL max_allowed_packet = 65536")
        refused = erase(archived, "--users-from", str(file), "--dry-run", check=5)["error"]
    finally:
        truth.execute(archived, f"SET GLOBAL max_allowed_packet = {most['n']}")
    assert (refused["code"], coldstore.rows(root)) == ("too_many_ids", before)
    assert erase(archived, "--users-from", str(file))["data"]["erased_rows"] == 0


@pytest.mark.parametrize("kind", ["INT", "BIGINT UNSIGNED"])
def test_ids_of_another_type_are_erased_too(migrated, root, kind):
    truth.fill(migrated, "2024-01-01 00:00:00", "2024-01-02 00:00:00")
    truth.execute(migrated, f"ALTER TABLE {INTERACTIONS} MODIFY id {kind} AUTO_INCREMENT")
    migrated.cli("archive", "run", "--months", "6", "--to", str(root), "--now", NOW)
    gone(migrated, user=1)
    erase(migrated, "--confirm", migrated.name)
    assert [row[1] for row in coldstore.rows(root)] == [2]
    sound(migrated, root)


def test_a_column_in_other_letters_hides_nobody(migrated):
    truth.fill(migrated, *OLD)
    truth.execute(migrated, f"ALTER TABLE {INTERACTIONS} RENAME COLUMN user_id TO User_ID")
    migrated.cli("rollback", "--yes")
    (backup,) = [name for name in truth.tables(migrated) if name.startswith(f"{INTERACTIONS}__backup_")]
    gone(migrated, user=3)
    answer = erase(migrated, "--confirm", migrated.name)
    assert place(answer, backup)["erased_rows"] == 20
    assert truth.count(migrated, backup, "user_id = 3") == 0


def test_nor_does_it_in_a_part_of_an_older_rlops(migrated, root, monkeypatch):
    truth.fill(migrated, *OLD)
    truth.execute(migrated, f"ALTER TABLE {INTERACTIONS} RENAME COLUMN user_id TO User_ID")
    with monkeypatch.context() as older:
        older.setattr("rlops.archive.columns.TELLING", ())
        migrated.cli("cleanup", "--months", "6", "--to", str(root), "--now", NOW, "--yes")
    truth.execute(migrated, f"ALTER TABLE {INTERACTIONS} RENAME COLUMN User_ID TO user_id")
    gone(migrated, user=3)
    assert erase(migrated, "--confirm", migrated.name)["data"]["erased_rows"] == 20
    sound(migrated, root)
    migrated.cli("archive", "restore", "2025-01", "2025-02", "2025-03", "--to-table", "live")
    assert truth.count(migrated, INTERACTIONS) == 380
