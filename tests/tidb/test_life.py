"""The life of the tables on TiDB: each command does what it says, or refuses with its reason and changes nothing."""

from __future__ import annotations

import shutil

import coldstore
import pymysql
import pytest
import truth
from integration.test_archive import policy
from truth import TABLES

from rlops.lock import lock_name
from rlops.sqlfiles import default_root

INTERACTIONS, MODELS, FEATURES = TABLES
OLD = ("2024-01-10 00:00:00", "2024-01-10 00:00:00", "2024-02-28 23:59:59")
NEW = ("2099-01-01 00:00:00", "2099-02-01 00:00:00")


def findings(database, *options):
    answer = database.cli("verify", *options, "--output", "json", check=None).json
    return [found for found in answer["data"]["findings"] if found["check"] != "account"]


def ids(database):
    return {row[0] for row in truth.rows(database, INTERACTIONS)}


def refused(database, *arguments, code):
    """A refusal with that code, after which everything is as it was."""
    before = truth.snapshot(database)
    answer = database.cli(*arguments, "--output", "json", check=5).json
    assert answer["error"]["code"] == code, answer["error"]
    assert truth.snapshot(database) == before
    return answer["error"]


def test_what_is_created_is_as_declared_and_keeps_its_integrity(migrated):
    assert findings(migrated, "--smoke") == []
    assert "Nothing to do" in migrated.cli("migrate").stdout
    migrated.cli("migrate", "--check")
    assert "SHARD_ROW_ID_BITS=4" in truth.definition(migrated, INTERACTIONS)
    truth.fill(migrated, *NEW)
    with pytest.raises(pymysql.err.IntegrityError, match="1452"):
        truth.execute(migrated, f"UPDATE {INTERACTIONS} SET user_id = 99")
    truth.execute(migrated, "DELETE FROM users WHERE id = 1")
    assert truth.count(migrated, INTERACTIONS) == 1
    assert truth.count(migrated, FEATURES) == 2


def test_ids_without_a_hot_spot_are_declared_in_a_folder_of_ones_own(database, tmp_path):
    folder = tmp_path / "sql"
    shutil.copytree(default_root(), folder)
    path = folder / "create" / "010_user_product_interactions.tidb.sql"
    text = path.read_text().replace("`id` BIGINT NOT NULL AUTO_INCREMENT", "`id` BIGINT NOT NULL AUTO_RANDOM", 1)
    path.write_text(text.replace(" NONCLUSTERED", "", 1).replace(" SHARD_ROW_ID_BITS=4", "", 1))
    own = ("--sql-dir", str(folder))
    database.cli("migrate", "--environment", "development", *own)
    assert findings(database, *own) == []
    assert findings(database) != []
    truth.fill(database, *OLD, *NEW)
    assert max(ids(database)) > 2**50
    before = truth.rows(database, INTERACTIONS)
    database.cli("archive", "run", "--to", str(database.home / "cold"), *own)
    database.cli("cleanup", "--yes", "--months", "12", *own)
    assert len(ids(database)) == len(NEW)
    database.cli("archive", "restore", "2024-01", "2024-02", "--to-table", "live", "--yes", *own)
    assert truth.rows(database, INTERACTIONS) == before
    refused(database, "partition", "enable", "--offline", "--integrity", "none", *own, code="clustered_key")


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (f"ALTER TABLE {INTERACTIONS} DROP INDEX idx_session", "index"),
        (f"ALTER TABLE {INTERACTIONS} MODIFY COLUMN session_id VARCHAR(300)", "type"),
        (f"ALTER TABLE {INTERACTIONS} DROP FOREIGN KEY fk_user_product_interactions_user", "foreign_key"),
        (f"ALTER TABLE {INTERACTIONS} TTL = `timestamp` + INTERVAL 12 MONTH", "option"),
        (f"ALTER TABLE {INTERACTIONS} SHARD_ROW_ID_BITS = 0", "option"),
        (f"ALTER TABLE {MODELS} COMMENT = 'other'", "comment"),
        (f"ALTER TABLE {FEATURES} ADD COLUMN more INT", "column"),
    ],
)
def test_drift_is_found_and_its_hint_mends_it(migrated, change, check):
    truth.execute(migrated, change)
    found = findings(migrated)
    assert [each["check"].partition(".")[0] for each in found] == [check] or found[0]["check"].startswith("column")
    truth.execute(migrated, *(each["hint"] for each in found))
    assert findings(migrated) == []


def test_a_ttl_of_tidbs_own_is_refused_while_archiving_is_on(migrated):
    truth.fill(migrated, *OLD)
    truth.execute(migrated, f"ALTER TABLE {INTERACTIONS} TTL = `timestamp` + INTERVAL 99 YEAR TTL_ENABLE = 'OFF'")
    root = ("--to", str(migrated.home / "cold"))
    purge = ("purge", "--user", "1", *root, *policy(migrated, purged="true"))
    for command in (("archive", "run", *root), ("cleanup", "--months", "12", "--yes"), purge):
        error = refused(migrated, *command, code="native_ttl")
        assert "REMOVE TTL" in error["hint"]


def test_grants_are_given_found_missing_and_found_in_excess(migrated):
    with migrated.connect(database=None) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE USER IF NOT EXISTS 'dsazuser'@'%'")
    try:
        migrated.cli("grant", "--check", check=3)
        migrated.cli("grant")
        migrated.cli("grant", "--check")
        assert [found for found in findings(migrated) if found["check"].startswith("grant")] == []
        truth.execute(migrated, f"GRANT DROP ON {migrated.name}.{MODELS} TO 'dsazuser'@'%'")
        migrated.cli("grant", "--check", check=3)
        shown = migrated.query("SHOW GRANTS FOR 'dsazuser'@'%'")
        assert sum("GRANT SELECT,INSERT,UPDATE,DELETE" in next(iter(row.values())) for row in shown) == len(TABLES), (
            shown
        )
    finally:
        truth.execute(migrated, "DROP USER 'dsazuser'@'%'")


def test_a_rollback_keeps_every_row_and_a_restore_brings_them_back(migrated):
    truth.fill(migrated, *OLD, *NEW)
    before = {table: truth.rows(migrated, table) for table in TABLES}
    migrated.cli("rollback", "--yes")
    assert not set(TABLES) & truth.tables(migrated)
    truth.execute(migrated, "DELETE FROM users WHERE id = 20")
    migrated.cli("migrate")
    assert findings(migrated) == []
    migrated.cli("rollback", "--yes")
    assert "2" in migrated.cli("backups", "list").stdout
    oldest = migrated.cli("backups", "list", "--output", "json").json["data"]["backups"][-1]["id"]
    migrated.cli("restore", oldest, "--yes")
    assert {table: truth.rows(migrated, table) for table in TABLES} == before
    assert findings(migrated) == []


def test_rows_are_archived_verified_deleted_restored_and_erased(migrated, root):
    truth.fill(migrated, *OLD, *NEW)
    before = truth.rows(migrated, INTERACTIONS)
    migrated.cli("archive", "run", "--to", str(root))
    migrated.cli("archive", "verify")
    assert len(coldstore.rows(root)) == len(OLD)
    answer = migrated.cli("cleanup", "--months", "12", "--yes", "--output", "json").json
    assert answer["data"]["deleted_rows"] == len(OLD)
    assert truth.rows(migrated, INTERACTIONS) == [row for row in before if row[5].year == 2099]
    migrated.cli("archive", "restore", "2024-01", "2024-02", "--to-table", "live", "--yes")
    assert truth.rows(migrated, INTERACTIONS) == before
    migrated.cli("archive", "verify")
    assert "2024-01" in migrated.cli("archive", "list").stdout
    truth.execute(migrated, "DELETE FROM users WHERE id = 1")
    migrated.cli("archive", "erase", "--yes", "--confirm", migrated.name)
    assert 1 not in {row[1] for row in coldstore.rows(root)}


def test_a_row_that_changed_after_its_export_is_archived_anew_and_not_lost(migrated, root):
    truth.fill(migrated, *OLD)
    migrated.cli("archive", "run", "--to", str(root))
    truth.execute(migrated, f"UPDATE {INTERACTIONS} SET reward = 9.5 ORDER BY id LIMIT 1")
    changed = min(row for row in truth.rows(migrated, INTERACTIONS))
    migrated.cli("cleanup", "--months", "12", "--yes", check=None)
    left = ids(migrated)
    kept = {row[0] for row in coldstore.rows(root) if str(row[7]) == "9.50"}
    assert changed[0] in left | kept


def test_one_users_rows_are_purged(migrated):
    truth.fill(migrated, *OLD, *NEW)
    mine = truth.count(migrated, INTERACTIONS, "user_id = 1")
    answer = migrated.cli("purge", "--user", "1", "--yes", "--output", "json").json
    assert answer["data"]["deleted_rows"] == mine > 0
    assert truth.count(migrated, INTERACTIONS, "user_id = 1") == 0


def test_two_runs_at_once_are_kept_apart_by_a_lease(migrated):
    assert migrated.query("SELECT COUNT(*) AS n FROM rlops_lease")[0]["n"] == 1
    with migrated.connect() as holder, holder.cursor() as cursor:
        cursor.execute(
            "UPDATE rlops_lease SET owner = 'somebody', fence = fence + 1, connection_id = CONNECTION_ID(),"
            " node = CONCAT(@@hostname, ':', @@port), account = CURRENT_USER(), renewed_at = UTC_TIMESTAMP(6) WHERE name = %s",
            (lock_name(migrated.name),),
        )
        truth.fill(migrated, *OLD)
        answer = migrated.cli(
            "cleanup", "--no-archive", "--months", "12", "--yes", "--output", "json", "--retry-for", "1", check=6
        ).json
        assert answer["error"]["code"] == "run_lock"
    answer = migrated.cli("cleanup", "--no-archive", "--months", "12", "--yes", "--output", "json").json
    assert answer["data"]["deleted_rows"] == len(OLD)


def test_an_open_transaction_is_named_before_a_ddl_would_wait_for_it(migrated):
    idle = migrated.connect(autocommit=False)
    with idle.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {MODELS}")
        number = idle.thread_id()
        answer = migrated.cli("rollback", "--yes", "--retry-for", "3", "--output", "json", check=None).json
        assert answer["exit_code"] in (1, 6)
        assert f"connection {number}" in answer["error"]["message"]
        assert set(TABLES) <= truth.tables(migrated)
    idle.rollback()
    migrated.cli("rollback", "--yes")


def test_what_has_no_place_on_tidb_is_refused(migrated):
    assert "triggers" in refused(migrated, "partition", "enable", code="no_triggers")["message"]
    refused(migrated, "partition", "enable", "--offline", code="no_triggers")


def test_monitor_doctor_history_and_uninstall(migrated):
    truth.fill(migrated, *OLD, *NEW)
    data = migrated.cli("monitor", "--output", "json", check=None).json["data"]
    probes = {probe["name"]: probe for probe in data["probes"]}
    assert probes["index_usage"]["status"] == "ok", probes
    assert probes["statements"]["status"] == "ok", probes
    assert probes["transactions"]["status"] == "ok", probes
    assert probes["lock_waits"]["status"] == "ok", probes
    assert {name for name, probe in probes.items() if probe["status"] == "unsupported"} == {
        "history_list", "replication", "index_sizes", "foreign_key_errors",
    }  # fmt: skip
    assert all(probe["needs"] for probe in probes.values() if probe["status"] != "ok")
    doctor = migrated.cli("doctor", "--output", "json", check=None).json["data"]
    assert doctor["engine"]["name"] == "TiDB"
    assert doctor["findings"] == []
    runs = migrated.cli("history", "--output", "json").json["data"]["runs"]
    assert {run["command"] for run in runs} >= {"migrate"}
    migrated.cli("uninstall", "--yes", "--confirm", migrated.name)
    assert truth.tables(migrated) == {*TABLES, "users", "product"}


def test_grants_that_a_rollback_knew_of_are_given_again(migrated):
    account = f"'g_{migrated.name}'@'%'"
    place = f"{migrated.name}.{FEATURES}"
    truth.execute(migrated, f"CREATE USER {account}", f"GRANT SELECT, INSERT ON {place} TO {account}")
    try:
        migrated.cli("rollback", "--yes")
        truth.execute(migrated, f"REVOKE INSERT ON {place} FROM {account}")
        migrated.cli("restore", "--yes")
        shown = [next(iter(row.values())) for row in migrated.query(f"SHOW GRANTS FOR {account}")]
        assert any(line.startswith("GRANT SELECT,INSERT ON") for line in shown), shown
    finally:
        truth.execute(migrated, f"DROP USER {account}")
