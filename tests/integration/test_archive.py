"""rlops archive on real servers: what is written is what the server holds, and what is read back is what was written."""

from __future__ import annotations

import json
import threading
from datetime import date, datetime
from decimal import Decimal

import coldstore
import pyarrow as pa
import pytest
import truth
from truth import TABLES

from rlops.archive import sealed

INTERACTIONS = TABLES[0]
NOW = "2026-03-31T23:30:00"


def archive(database, root, *options, months=6, now=NOW, check=0):
    arguments = ("--months", str(months), "--to", str(root), "--now", now, "--output", "json", *options)
    return database.cli("archive", "run", *arguments, check=check).json


def more(database, *stamps):
    truth.fill(database, *stamps, models=0, features=0)


def verify(database, *options, check=0):
    return database.cli("archive", "verify", *options, "--output", "json", check=check).json


def policy(database, **settings):
    """--sql-dir with other settings in its policy's [archive]."""
    from rlops.sqlfiles import default_root

    folder = database.home / "sql"
    if not folder.exists():
        import shutil

        shutil.copytree(default_root(), folder)
    text = (folder / "policy.toml").read_text()
    for key, value in settings.items():
        lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in text.splitlines()]
        text = "\n".join(lines) + "\n"
    (folder / "policy.toml").write_text(text)
    return ("--sql-dir", str(folder))


def live(database, where="TRUE"):
    return [
        tuple(row.values())
        for row in database.query(f"SELECT {coldstore.COLUMNS} FROM {INTERACTIONS} WHERE {where} ORDER BY id")
    ]


def test_whole_months_before_the_edge_are_archived_and_nothing_is_deleted(migrated, root):
    truth.fill(
        migrated, "2024-02-29 23:59:59", "2025-08-31 23:59:59", "2025-09-01 00:00:00", "2025-09-30 23:59:59",
        "2025-08-01 00:00:00", "2026-03-31 10:00:00",
    )  # fmt: skip
    before = truth.rows(migrated, INTERACTIONS)
    answer = archive(migrated, root)
    assert answer["data"]["until"] == f"2025-09-01T00:00:00{truth.offset(migrated)}"
    assert answer["data"]["archived_rows"] == 3
    assert truth.rows(migrated, INTERACTIONS) == before
    assert coldstore.rows(root) == live(migrated, "timestamp < '2025-09-01'")
    assert [str(path.relative_to(root)) for path in coldstore.files(root)] == [
        f"table={INTERACTIONS}/year=2024/month=02/part-00001.parquet",
        f"table={INTERACTIONS}/year=2025/month=08/part-00001.parquet",
    ]
    assert archive(migrated, root)["steps"] == []
    listed = migrated.cli("archive", "list", "--output", "json").json["data"]
    assert [(part["month"], part["rows"], part["state"]) for part in listed["parts"]] == [
        ("2024-02", 1, "verified"), ("2025-08", 2, "verified"),
    ]  # fmt: skip
    assert verify(migrated)["data"]["rows"] == 3


ODD = [
    "",
    " ",
    "its",
    '"quoted", with commas',
    "back\\slash\\",
    "two\nlines\r\n",
    "N",
    "\\N",
    "𝄞 日本 é",
    "a\tb",
    "nul\0byte",
]


def test_every_value_comes_back_exactly_through_duckdb_and_pyarrow(migrated, root):
    contexts = [json.dumps({"text": text, "n": [1.5, None, True]}, ensure_ascii=False) for text in ODD]
    with migrated.connect() as connection, connection.cursor() as cursor:
        for number, (text, context) in enumerate(zip(ODD, contexts, strict=True)):
            cursor.execute(
                f"INSERT INTO {INTERACTIONS} (id, user_id, product_id, interaction_type, session_id, timestamp, context, reward)"
                " VALUES (%s, 1, 2, %s, %s, %s, %s, %s)",
                (
                    2**62 + number,
                    text[:50],
                    text,
                    f"2025-0{number % 3 + 1}-15 12:34:5{number % 10}",
                    context,
                    "-99999999.99",
                ),
            )
        cursor.execute(
            f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, session_id, timestamp, context, reward)"
            " VALUES (3, 4, 'VIEW', NULL, '2025-01-01', NULL, NULL)"
        )
    archive(migrated, root)
    assert coldstore.rows(root) == live(migrated)
    table = coldstore.dataset(root)
    assert {name: str(table.schema.field(name).type) for name in ("id", "reward", "timestamp", "context", "year", "month")} == {
        "id": "int64", "reward": "decimal128(10, 2)", "timestamp": "timestamp[us]", "context": "string",
        "year": "int32", "month": "int32",
    }  # fmt: skip
    assert [tuple(row[name] for name in coldstore.COLUMNS.split(", ")) for row in table.to_pylist()] == live(migrated)
    assert table.column("reward").to_pylist()[:1] == [Decimal("-99999999.99")] or table.column("reward").null_count == 1
    assert {row["month"] for row in table.to_pylist()} == {1, 2, 3}


MORE = {  # column: type, value, what Parquet gives
    "c_big": ("BIGINT UNSIGNED", "18446744073709551615", 2**64 - 1),
    "c_small": ("TINYINT", "-128", -128),
    "c_bool": ("BOOLEAN", "TRUE", 1),
    "c_padded": ("INT(8) UNSIGNED ZEROFILL", "42", 42),
    "c_precise": ("DECIMAL(38,20)", "0.00000000000000000001", Decimal("1E-20")),
    "c_wide": ("DECIMAL(65,30)", f"-{'9' * 35}.{'9' * 30}", f"-{'9' * 35}.{'9' * 30}"),
    "c_long": ("DECIMAL(65,0)", "9" * 65, "9" * 65),
    "c_micro": ("DATETIME(6)", "'1969-12-31 23:59:59.000001'", datetime(1969, 12, 31, 23, 59, 59, 1)),
    "c_day": ("DATE", "'2024-02-29'", date(2024, 2, 29)),
    "c_span": ("TIME(2)", "'-123:34:56.78'", "-123:34:56.78"),
    "c_year": ("YEAR", "1999", 1999),
    "c_fixed": ("CHAR(5)", "'ab'", "ab"),
    "c_raw": ("VARBINARY(20)", "X'00FF0A22'", b'\x00\xff\n"'),
    "c_none": ("BLOB", "X''", b""),
    "c_choice": ("ENUM('a','2,bc')", "'2,bc'", "2,bc"),
    "c_several": ("SET('x','y')", "'x,y'", "x,y"),
}


def test_columns_that_an_upgrade_added_are_archived_exactly(migrated, root):
    more = {
        name: kind for name, kind in MORE.items() if not (migrated.server.family == "oceanbase" and name == "c_padded")
    }
    added = ", ".join(f"ADD COLUMN {name} {kind[0]}" for name, kind in more.items())
    truth.fill(migrated, "2025-01-01 00:00:00", "2025-01-01 00:00:01")
    truth.execute(
        migrated, f"ALTER TABLE {INTERACTIONS} {added}",
        f"UPDATE {INTERACTIONS} SET {', '.join(f'{name} = {kind[1]}' for name, kind in more.items())}, timestamp = timestamp"
        f" WHERE id = (SELECT * FROM (SELECT MIN(id) FROM {INTERACTIONS}) AS first)",
    )  # fmt: skip
    archive(migrated, root)
    first, second = coldstore.dataset(root).to_pylist()
    assert {name: first[name] for name in more} == {name: kind[2] for name, kind in more.items()}
    assert {second[name] for name in more} == {None}
    before = truth.rows(migrated, INTERACTIONS)
    migrated.cli("cleanup", "--months", "12", "--now", NOW, "--yes")
    migrated.cli("archive", "restore", "2025-01", "--to-table", "live")
    assert truth.rows(migrated, INTERACTIONS) == before


@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE", "BIT(3)"])
def test_a_column_that_can_not_be_compared_exactly_is_refused_by_name(migrated, root, kind):
    truth.fill(migrated, "2025-01-01 00:00:00")
    truth.execute(migrated, f"ALTER TABLE {INTERACTIONS} ADD COLUMN odd {kind}")
    before = truth.snapshot(migrated)
    refused = archive(migrated, root, check=5)
    assert "odd" in refused["error"]["message"]
    assert truth.snapshot(migrated) == before
    assert not root.exists()


@pytest.mark.parametrize("name", ["id", "user_id", "timestamp"])
def test_a_column_that_readers_would_not_find_is_refused_by_name(migrated, root, name):
    truth.fill(migrated, "2025-01-01 00:00:00")
    truth.execute(migrated, f"ALTER TABLE {INTERACTIONS} RENAME COLUMN `{name}` TO `{name.upper()}`")
    assert f"its column {name.upper()} is declared as {name}" in archive(migrated, root, check=5)["error"]["message"]
    truth.execute(migrated, f"ALTER TABLE {INTERACTIONS} RENAME COLUMN `{name.upper()}` TO `{name}`")
    archive(migrated, root)


def test_a_month_of_many_parts_and_long_rows(migrated, root):
    small = policy(migrated, part_rows=700)
    stamps = [f"2025-01-{n % 28 + 1:02} 00:00:{n % 7:02}" for n in range(2500)]
    truth.fill(migrated, *stamps, models=0, features=0)
    truth.execute(
        migrated,
        f"UPDATE {INTERACTIONS} SET context = CONCAT('\"', REPEAT('x', 200000), '\"'), timestamp = timestamp ORDER BY id LIMIT 150",
    )
    answer = archive(migrated, root, *small)
    assert answer["data"]["archived_rows"] == 2500
    assert [part["rows"] for part in answer["data"]["parts"]] == [700, 700, 700, 400]
    assert coldstore.rows(root) == live(migrated)
    assert verify(migrated)["data"]["parts"] == 4


def test_a_row_longer_than_any_page(migrated, root):
    if migrated.server.family == "oceanbase":
        pytest.skip("its CONVERT gives texts of 1 MB at most (5098)")
    truth.fill(migrated, *["2025-01-01 00:00:00"] * 3)
    packet = int(migrated.query("SELECT @@max_allowed_packet AS n")[0]["n"])
    size = min(packet, 17_000_000) - 4000
    with migrated.connect(max_allowed_packet=packet) as connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {INTERACTIONS} ADD COLUMN note LONGTEXT")
        cursor.execute(f"UPDATE {INTERACTIONS} SET note = REPEAT('x', {size // 2}), timestamp = timestamp")
        cursor.execute(
            f"UPDATE {INTERACTIONS} SET note = CONCAT(note, '\"', note), timestamp = timestamp ORDER BY id LIMIT 1"
        )
    archive(migrated, root)
    assert [len(note) for (note,) in coldstore.rows(root, "note")] == [size // 2 * 2 + 1, size // 2, size // 2]


def test_a_dry_run_writes_nothing_and_needs_only_select(migrated, root):
    truth.fill(migrated, "2025-01-01 00:00:00", "2025-02-01 00:00:00")
    before = truth.snapshot(migrated)
    answer = archive(migrated, root, "--dry-run")
    assert [month["month"] for month in answer["data"]["due"]] == ["2025-01", "2025-02"]
    assert truth.snapshot(migrated) == before
    assert not root.exists()


def test_the_edge_is_in_the_writers_time_zone(migrated, root):
    zone = "+13:00" if migrated.server.family != "oceanbase" else "+08:00"  # MariaDB knows no more
    answer = {}
    before = migrated.query("SELECT @@GLOBAL.time_zone AS zone")[0]["zone"]
    try:
        truth.execute(migrated, f"SET GLOBAL time_zone = '{zone}'")
        now = migrated.query("SELECT UTC_TIMESTAMP() + INTERVAL %s HOUR AS now", (int(zone[1:3]),))[0]["now"]
        answer = migrated.cli(
            "archive",
            "run",
            "--months",
            "1",
            "--to",
            str(root),
            "--dry-run",
            "--output",
            "json",
            env={"TZ": "America/New_York"},
        ).json
    finally:
        truth.execute(migrated, f"SET GLOBAL time_zone = '{before}'")
    index = now.year * 12 + now.month - 2
    assert answer["data"]["until"] == f"{index // 12}-{index % 12 + 1:02}-01T00:00:00{zone}"


@pytest.mark.parametrize("zone", ["+09:00", "-11:00"])
def test_no_time_zone_shifts_a_timestamp(migrated, root, zone):
    stamps = ["2025-03-30 02:30:00", "2025-01-31 23:59:59", "2025-02-01 00:00:00"]  # the first is in no clock of Berlin
    truth.fill(migrated, *stamps)
    before = migrated.query("SELECT @@GLOBAL.time_zone AS zone")[0]["zone"]
    try:
        truth.execute(migrated, f"SET GLOBAL time_zone = '{zone}'")
        migrated.cli(
            "archive", "run", "--months", "6", "--to", str(root), "--now", NOW, env={"TZ": "Europe/Berlin"},
        )  # fmt: skip
    finally:
        truth.execute(migrated, f"SET GLOBAL time_zone = '{before}'")
    assert sorted(str(row[5]) for row in coldstore.rows(root)) == sorted(stamps)
    assert {path.parent.name for path in coldstore.files(root)} == {"month=01", "month=02", "month=03"}


@pytest.mark.parametrize("months", ["0", "-1", "x"])
def test_months_below_one_are_a_usage_error(database, months):
    database.cli("archive", "run", f"--months={months}", check=2)


def test_production_must_name_an_archive_and_development_has_one(database):
    database.install("production")
    truth.fill(database, "2020-01-01 00:00:00")
    refused = database.cli("archive", "run", "--output", "json", check=5).json
    assert "--to" in refused["error"]["hint"]
    done = database.cli("archive", "run", "--output", "json", env={"RLOPS_ARCHIVE_TO": "cold"}).json
    assert done["data"]["destination"] == str(database.home / "cold")
    assert len(coldstore.rows(database.home / "cold")) == 1


def test_a_development_run_says_where_its_folder_is(migrated):
    truth.fill(migrated, "2020-01-01 00:00:00")
    shown = migrated.cli("archive", "run", "--dry-run").stdout
    assert str(migrated.home / "rlops-archive") in shown
    migrated.cli("archive", "run")
    assert len(coldstore.rows(migrated.home / "rlops-archive")) == 1


def test_the_first_runs_destination_stays(migrated, root, tmp_path):
    truth.fill(migrated, "2024-01-01 00:00:00")
    archive(migrated, root)
    more(migrated, "2024-02-01 00:00:00")
    refused = archive(migrated, tmp_path / "other", check=5)
    assert str(root) in refused["error"]["message"]
    assert not (tmp_path / "other").exists()
    migrated.cli("archive", "run", "--now", NOW)
    assert len(coldstore.rows(root)) == 2


def test_a_place_that_is_not_the_archive_is_not_written_to(migrated, root):
    truth.fill(migrated, "2024-01-01 00:00:00")
    archive(migrated, root)
    more(migrated, "2024-02-01 00:00:00")
    root.rename(root.with_name("unmounted"))
    root.mkdir()
    refused = archive(migrated, root, check=5)
    assert "mounted" in refused["error"]["message"]
    assert list(root.iterdir()) == []


def test_another_installation_is_refused(migrated, root, make_database):
    truth.fill(migrated, "2024-01-01 00:00:00")
    archive(migrated, root)
    other = make_database(migrated.name + "_other")
    other.install()
    truth.fill(other, "2024-01-01 00:00:00")
    before = sorted(root.rglob("*"))
    assert archive(other, root, check=5)["error"]["code"] == "other_installation"
    assert sorted(root.rglob("*")) == before


def test_a_copy_of_the_database_on_another_server_is_refused(migrated, root):
    """A clone carries the installation's id; what its server says of itself differs."""
    truth.fill(migrated, "2024-01-01 00:00:00")
    archive(migrated, root)
    more(migrated, "2024-02-01 00:00:00")
    file = root / "_rlops-archive.json"
    known = json.loads(file.read_text())["of"]
    known["server"] = {name: f"{value}-production" for name, value in known["server"].items()}
    assert known["server"], "nothing tells this server from another"
    file.write_text(sealed.dump(known))
    before = truth.snapshot(migrated)
    refused = archive(migrated, root, check=5)
    assert refused["error"]["code"] == "other_server"
    assert truth.snapshot(migrated) == before
    archive(migrated, root, "--moved")
    assert len(coldstore.rows(root)) == 2
    more(migrated, "2024-03-01 00:00:00")
    archive(migrated, root)


def test_a_part_that_the_database_knows_nothing_of_is_not_written_over(migrated, root):
    """As after a restore of the database from an older backup."""
    truth.fill(migrated, "2024-01-01 00:00:00", "2024-01-01 00:00:01")
    archive(migrated, root)
    truth.execute(migrated, "DELETE FROM rlops_part", f"DELETE FROM {INTERACTIONS} LIMIT 1")
    kept = coldstore.rows(root)
    refused = archive(migrated, root, check=5)
    assert refused["error"]["code"] == "unknown_part"
    assert coldstore.rows(root) == kept


def damage(root, how):
    part, manifest = coldstore.files(root)[0], next(root.rglob("_part-*.json"))
    if how == "missing":
        part.unlink()
    elif how == "renamed":
        part.rename(part.with_name("part-00007.parquet"))
    elif how == "extra":
        (part.parent / "part-00099.parquet").write_bytes(part.read_bytes())
    elif how == "cut":
        part.write_bytes(part.read_bytes()[:-1])
    elif how == "no manifest":
        manifest.unlink()
    elif how == "root":
        (root / "_rlops-archive.json").unlink()
    elif how == "swapped":
        other = coldstore.files(root)[1]
        first = part.read_bytes()
        part.write_bytes(other.read_bytes())
        other.write_bytes(first)


@pytest.mark.parametrize("how", ["missing", "renamed", "extra", "cut", "no manifest", "root", "swapped"])
def test_verify_finds_what_is_wrong(migrated, root, how):
    truth.fill(migrated, *(f"2024-0{n % 2 + 1}-01 00:00:00" for n in range(50)))
    archive(migrated, root)
    before = truth.snapshot(migrated)
    verify(migrated)
    damage(root, how)
    found = verify(migrated, check=3)
    assert found["data"]["findings"], how
    assert truth.snapshot(migrated) == before


def test_a_flipped_byte_anywhere_is_found(migrated, root):
    truth.fill(migrated, *["2024-01-01 00:00:00"] * 20)
    archive(migrated, root)
    files = [path for path in root.rglob("*") if path.is_file()]
    missed = []
    for path in files:
        whole = path.read_bytes()
        step = max(1, len(whole) // 23)
        for at in range(0, len(whole), step):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
            answer = migrated.cli("archive", "verify", "--output", "json", check=None)
            if answer.returncode != 3:
                missed.append((path.name, at, whole[at : at + 1], answer.returncode))
        path.write_bytes(whole)
    assert missed == []
    verify(migrated)


def test_rows_that_change_while_they_are_read(migrated, root):
    """A snapshot is one state: whatever writers do meanwhile, the export is verified or done again."""
    truth.fill(migrated, *(f"2025-01-{n % 28 + 1:02} 00:00:00" for n in range(3000)), models=0, features=0)
    stop = threading.Event()

    def write():
        with migrated.connect() as connection, connection.cursor() as cursor:
            number = 0
            while not stop.is_set():
                number += 1
                cursor.execute(
                    f"UPDATE {INTERACTIONS} SET session_id = %s, timestamp = timestamp WHERE id %% 97 = %s",
                    (f"s{number}", number % 97),
                )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        answer = archive(migrated, root, *policy(migrated, part_rows=500))
    finally:
        stop.set()
        writer.join()
    assert answer["data"]["archived_rows"] >= 3000
    assert len(coldstore.rows(root)) == 3000
    verify(migrated)


def test_a_date_that_no_calendar_has_is_named(migrated, root):
    truth.fill(migrated, *["2025-01-01 00:00:00"] * 30)
    truth.execute(
        migrated, "SET sql_mode = ''", f"ALTER TABLE {INTERACTIONS} ADD COLUMN day DATE",
        f"UPDATE {INTERACTIONS} SET day = '0000-00-00', timestamp = timestamp ORDER BY id DESC LIMIT 1",
    )  # fmt: skip
    last = migrated.query(f"SELECT MAX(id) AS id FROM {INTERACTIONS}")[0]["id"]
    failed = archive(migrated, root, check=1)
    assert f"interaction {last}" in failed["error"]["message"]
    assert coldstore.files(root) == []


def test_what_an_export_writes_is_compressed_and_checked(migrated, root):
    truth.fill(migrated, *["2025-01-01 00:00:00"] * 100)
    archive(migrated, root)
    metadata = pa.parquet.ParquetFile(coldstore.files(root)[0]).metadata
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    manifest = json.loads(next(root.rglob("_part-*.json")).read_text())["of"]
    assert manifest["contents"]["rows"] == 100
    assert manifest["state"] == "verified"
    assert manifest["source"]["schema"] == migrated.name


def test_a_record_of_parts_that_an_older_rlops_made_is_brought_up_to_date(migrated, root):
    truth.fill(migrated, "2025-01-01 00:00:00", "2025-02-01 00:00:00")
    archive(migrated, root)
    truth.execute(migrated, "ALTER TABLE rlops_part DROP COLUMN only_column, DROP COLUMN only_id")
    assert verify(migrated)["data"]["rows"] == 2
    more(migrated, "2025-03-01 00:00:00")
    assert any("only_column" in step["name"] for step in archive(migrated, root)["steps"])
    assert verify(migrated)["data"]["rows"] == 3
    assert archive(migrated, root)["steps"] == []
