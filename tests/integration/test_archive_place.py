"""Whose an archive is, and its ids: a copy of the schema on the same server writes nothing into the original's."""

from __future__ import annotations

import json

import coldstore
import pytest
import truth
from test_archive import archive, live, more, verify
from test_retention import clean
from truth import TABLES

from rlops.archive import sealed
from rlops.archive.destination import absolute
from rlops.archive.place import ROOT_FILE

INTERACTIONS = TABLES[0]


def root_of(root):
    return json.loads((root / ROOT_FILE).read_text())["of"]


def say_root(root, **server):
    """Let the root file say this of the server; None leaves a name out."""
    known = root_of(root)
    said = {name: value for name, value in {**known["server"], **server}.items() if value is not None}
    (root / ROOT_FILE).write_text(sealed.dump({**known, "server": said}))


@pytest.fixture
def copied(migrated, root, make_database):
    """An archive of two months, and a copy of the schema with what rlops has recorded, as mysqldump makes it."""
    truth.fill(migrated, "2024-01-01 00:00:00", "2025-08-01 00:00:00")
    archive(migrated, root)
    copy = make_database(migrated.name + "_staging")
    copy.install()
    truth.fill(copy, "2024-01-01 00:00:00", "2025-08-01 00:00:00")
    truth.execute(
        copy, "DELETE FROM rlops_state", f"INSERT INTO rlops_state SELECT * FROM `{migrated.name}`.rlops_state"
    )
    truth.execute(
        copy, "DROP TABLE IF EXISTS rlops_part", f"CREATE TABLE rlops_part LIKE `{migrated.name}`.rlops_part",
        f"INSERT INTO rlops_part SELECT * FROM `{migrated.name}`.rlops_part",
    )  # fmt: skip
    return copy


def files(root):
    return {path: path.read_bytes() for path in root.rglob("*.*")}


def test_a_copy_of_the_schema_on_the_same_server_writes_nothing_to_the_original_s_archive(copied, migrated, root):
    before, rows = files(root), live(copied)
    truth.execute(copied, "DELETE FROM users WHERE id = 1")
    commands = (
        ("archive", "run"),
        ("cleanup", "--months", "12", "--yes"),
        ("archive", "erase", "--yes"),
        ("maintain", "--yes"),
    )
    for command in commands:
        refused = copied.cli(*command, "--confirm", copied.name, "--output", "json", check=5).json
        assert refused["error"]["code"] == "other_server", command
        assert f"schema {migrated.name} there, {copied.name} here" in refused["error"]["message"]
    assert files(root) == before
    assert live(copied) == [row for row in rows if row[1] != 1]
    clean(migrated, root)


def test_a_copy_gets_an_archive_of_its_own_as_the_hint_says(copied, root):
    before = files(root)
    hint = archive(copied, root, check=5)["error"]["hint"]
    truth.execute(copied, *[part for part in hint.split("`") if part.startswith("DELETE")])
    copied.cli("migrate")
    own = root.with_name("own")
    clean(copied, own)
    assert [str(row[5]) for row in coldstore.rows(own)] == ["2024-01-01 00:00:00"]
    assert files(root) == before


def test_a_root_file_that_names_no_schema_is_still_the_original_s(copied, migrated, root):
    say_root(root, schema=None)
    before = files(root)
    assert archive(copied, root, check=5)["error"]["code"] == "other_server"
    assert files(root) == before
    assert archive(migrated, root)["steps"] == []
    more(migrated, "2024-03-01 00:00:00")
    archive(migrated, root)
    assert root_of(root)["server"]["schema"] == migrated.name


@pytest.mark.parametrize("command", [("archive", "run"), ("cleanup", "--months", "12")], ids=" ".join)
def test_a_server_that_took_the_other_s_place_takes_the_archive_over_though_nothing_is_due(migrated, root, command):
    truth.fill(migrated, "2026-03-01 00:00:00", "2024-01-01 00:00:00")
    archive(migrated, root)
    clean(migrated, root)
    say_root(root, datadir="/before/the/failover/", server_uuid="another")
    truth.execute(migrated, "DELETE FROM users WHERE id = 2")
    refused = migrated.cli("archive", "erase", "--yes", "--output", "json", check=5).json
    assert "`rlops archive run --moved`" in refused["error"]["hint"]
    said = migrated.cli(*command, "--moved", "--now", "2026-03-31T23:30:00", "--yes", "--output", "json").json
    assert [step["status"] for step in said["steps"]] == ["done"]
    migrated.cli("archive", "erase", "--confirm", migrated.name)
    migrated.cli("archive", "restore", "2024-01", check=None)
    assert coldstore.rows(root) == []
    assert migrated.cli(*command, "--now", "2026-03-31T23:30:00", "--yes", "--output", "json").json["steps"] == []


def test_files_that_were_moved_are_found_there_though_nothing_is_due(migrated, root):
    truth.fill(migrated, "2024-01-01 00:00:00")
    archive(migrated, root)
    other = root.with_name("other")
    root.rename(other)
    hint = archive(migrated, other, check=5)["error"]["hint"]
    assert f"rlops archive run --moved --to {other}" in hint
    part = next(other.rglob("*.parquet"))
    part.rename(other / "elsewhere")
    refused = migrated.cli("archive", "run", "--moved", "--to", str(other), "--output", "json", check=5).json["error"]
    assert refused["code"] == "incomplete" and part.name in refused["message"]
    (other / "elsewhere").rename(part)
    migrated.cli("archive", "run", "--moved", "--to", str(other))
    migrated.cli("archive", "verify")


@pytest.mark.parametrize(
    "to",
    [
        "s3:/bucket/x", "s3://b/x#y", "s3://b//x", "s3://b/x/../y", "s3://b/./x", "file://host/x", "file:///x?y", "file:///x#y",
        "cold\udcff",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_destination_that_is_not_the_place_that_it_seems_is_refused(migrated, to):
    """What follows # was left out, as was a host; s3:/ was a folder here, and Arrow fails behind .. only once it renames."""
    truth.fill(migrated, "2024-01-01 00:00:00")
    assert archive(migrated, to, check=2)["error"]["code"] == "bad_destination"
    assert migrated.cli("archive", "list", "--output", "json").json["data"]["destination"] is None


def test_nor_is_it_taken_for_a_folder_in_a_variable(migrated):
    env = {"RLOPS_ARCHIVE_TO": "s3:/bucket/x"}
    refused = migrated.cli("archive", "run", "--output", "json", env=env, check=2).json
    assert refused["error"]["code"] == "bad_destination"


def test_a_scheme_is_one_in_capitals_too(tmp_path):
    assert absolute("S3://bucket/x/", tmp_path, tmp_path) == "s3://bucket/x"
    assert absolute("s3://bucket", tmp_path, tmp_path) == "s3://bucket"
    assert absolute("s3://bucket/?region=x", tmp_path, tmp_path) == "s3://bucket/?region=x"
    assert absolute("FILE:///srv/a%20b", tmp_path, tmp_path) == absolute("file://localhost/srv/a b", tmp_path, tmp_path)
    assert absolute("x:/y", tmp_path, tmp_path) == f"{tmp_path}/x:/y"


def test_a_disk_s_lost_and_found_is_none_of_the_archive_s(migrated, root):
    """An ordinary user may not even look into it."""
    truth.fill(migrated, "2024-01-01 00:00:00", "2024-01-01 00:00:01")
    lost = root / "lost+found"
    lost.mkdir(parents=True)
    (lost / "#1234").write_text("what a crash left")
    lost.chmod(0)
    archive(migrated, root)
    verify(migrated)
    truth.execute(migrated, "DELETE FROM users WHERE id = 1")
    migrated.cli("archive", "erase", "--confirm", migrated.name)
    assert len(coldstore.rows(root)) == 1
    verify(migrated)
    lost.chmod(0o700)


def test_a_table_made_anew_gives_no_id_again_that_the_archive_has(migrated, root):
    truth.fill(migrated, *["2024-01-01 00:00:00"] * 5)
    clean(migrated, root)
    migrated.cli("migrate", "--fresh", "--yes")
    truth.fill(migrated, "2024-01-05 00:00:00")
    assert live(migrated)[0][0] == 6
    clean(migrated, root)
    assert [row[0] for row in coldstore.rows(root)] == [1, 2, 3, 4, 5, 6]


def test_ids_that_are_given_again_replace_no_archived_row(migrated, root):
    truth.fill(migrated, *["2024-01-01 00:00:00"] * 5)
    clean(migrated, root)
    before = coldstore.rows(root)
    truth.execute(migrated, f"TRUNCATE {INTERACTIONS}")
    more(migrated, *["2024-03-05 00:00:00"] * 3)
    assert {row[0] for row in live(migrated)} <= {row[0] for row in before}
    for run in (archive, clean):
        refused = run(migrated, root, check=5)["error"]
        assert refused["code"] == "ids_again"
    truth.execute(
        migrated,
        *[part for part in refused["hint"].split("`") if INTERACTIONS in part],
    )
    more(migrated, "2024-03-06 00:00:00")
    clean(migrated, root)
    assert coldstore.rows(root)[:5] == before
    assert len({row[0] for row in coldstore.rows(root)}) == len(coldstore.rows(root)) == 9


def test_nor_do_those_of_a_table_that_has_grown_past_the_archive_since(migrated, root):
    truth.fill(migrated, *["2024-01-01 00:00:00"] * 5)
    clean(migrated, root)
    before = coldstore.rows(root)
    truth.execute(migrated, f"TRUNCATE {INTERACTIONS}")
    more(migrated, *["2024-01-05 00:00:00"] * 9, "2026-03-05 00:00:00")
    truth.execute(
        migrated,
        f"UPDATE {INTERACTIONS} SET user_id = 20 - user_id, product_id = 20 - product_id, timestamp = timestamp",
    )
    new = live(migrated, "id < 10")
    for _ in range(2):
        failed = clean(migrated, root, check=1)["error"]
        assert failed["code"] == "ids_again"
        assert coldstore.rows(root) == before
    truth.execute(migrated, *[part for part in failed["hint"].split("`") if INTERACTIONS in part])
    clean(migrated, root)
    after = coldstore.rows(root)
    assert after[:5] == before
    assert [row[1:] for row in after[5:]] == [row[1:] for row in new]
    assert len(live(migrated)) == 1
    verify(migrated)
