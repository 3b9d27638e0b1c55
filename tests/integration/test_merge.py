"""rlops restore --merge: a backup and tables that were made anew come together, and no row of either is lost."""

from __future__ import annotations

import json

import pytest
import truth
from truth import TABLES

INTERACTIONS, MODELS, FEATURES = TABLES


@pytest.fixture
def twice(database):
    """A backup, and tables that migrate made anew, with rows of both."""
    database.install()
    truth.fill(database, *(f"2026-{month:02}-01 12:00:00" for month in range(1, 10)))
    database.cli("rollback", "--yes")
    database.cli("migrate")
    return database


def old(database, table):
    (name,) = (name for name in truth.tables(database) if name.startswith(f"{table}__backup_"))
    return truth.rows(database, name)


def merge(database, *options, check=0):
    return database.cli("restore", "--merge", "--output", "json", *options, check=check).json


def beside(database, mark):
    return {name.split("__")[0]: truth.rows(database, name) for name in truth.tables(database) if f"__{mark}_" in name}


def test_both_come_together_and_ids_never_collide(twice):
    truth.fill(twice, "2026-10-01 00:00:00", "2026-10-02 00:00:00", models=0, features=0)
    truth.execute(twice, f"INSERT INTO {FEATURES} (user_id, feature_vector) VALUES (15, '{{}}')")
    new = {table: truth.rows(twice, table) for table in TABLES}
    kept = {table: old(twice, table) for table in TABLES}
    said = merge(twice)
    for table in TABLES:
        assert truth.rows(twice, table) == sorted(new[table] + kept[table], key=repr)
        assert old(twice, table) == kept[table]
    assert {each["table"]: each["merged"] for each in said["data"]["tables"]} == {
        t: len(rows) for t, rows in kept.items()
    }
    assert not [name for name in truth.tables(twice) if "__set_aside_" in name or "__conflict_" in name]
    again = merge(twice)
    assert again["steps"] == []
    assert twice.cli("verify", "--output", "json", check=None).json["data"]["tables"][0]["as_declared"]


def test_what_was_merged_and_then_deleted_does_not_come_back(twice):
    merge(twice)
    truth.execute(twice, f"DELETE FROM {INTERACTIONS} WHERE id = 1")
    merge(twice)
    assert truth.count(twice, INTERACTIONS, "id = 1") == 0


@pytest.mark.parametrize("how", ["fresh", "truncated", "half"])
def test_a_merge_into_a_table_that_was_emptied_since_begins_anew(twice, how):
    """What was merged is gone, new rows have its ids, and what was set aside is there already."""
    kept = {table: old(twice, table) for table in TABLES}
    truth.execute(twice, "DELETE FROM users WHERE id = 2")
    merge(twice)
    aside = beside(twice, "set_aside")
    if how == "fresh":
        twice.cli("migrate", "--fresh", "--yes")
    else:
        truth.execute(twice, *(f"TRUNCATE {table}" for table in TABLES))
    if how == "half":  # as a run leaves it that was killed after its first chunk
        half = {table: {"merged": 1, "same": 0, "conflicts": 0, "set_aside": 0, "after": 2} for table in TABLES}
        twice.query("UPDATE rlops_backup SET state = 'merging', progress = %s", (json.dumps(half),))
    truth.execute(
        twice, f"INSERT INTO {INTERACTIONS} (id, user_id, product_id, interaction_type) VALUES (1, 5, 5, 'CLICK')"
    )
    told = {each["table"]: each for each in merge(twice)["data"]["tables"]}
    assert beside(twice, "set_aside") == aside
    clashing = beside(twice, "conflict")
    for table in TABLES:
        found = set(truth.rows(twice, table)) | set(aside.get(table, ())) | set(clashing.get(table, ()))
        assert found >= set(kept[table])
        assert told[table]["merged"] == len(kept[table]) - len(aside.get(table, ())) - len(clashing.get(table, ()))
    assert [row[0] for row in clashing[INTERACTIONS]] == [1]
    assert merge(twice)["steps"] == []


def conflicting(database):
    """Rows that clash on the primary key, on (model_name, version), and on user_id."""
    truth.execute(
        database,
        f"INSERT INTO {INTERACTIONS} (id, user_id, product_id, interaction_type) VALUES (2, 5, 5, 'CLICK')",
        f"INSERT INTO {MODELS} (id, model_name, algorithm_type, version) VALUES (50, 'model-1', 'DQN', '1')",
        f"INSERT INTO {FEATURES} (id, user_id, feature_vector) VALUES (50, 2, '{{\"new\": 1}}'), (3, 17, '{{}}')",
    )


def test_conflicts_are_told_before_and_nothing_is_overwritten(twice):
    conflicting(twice)
    new = {table: truth.rows(twice, table) for table in TABLES}
    kept = {table: old(twice, table) for table in TABLES}
    before = truth.snapshot(twice)
    planned = merge(twice, "--dry-run")["data"]["tables"]
    assert {each["table"]: each["conflicts"] for each in planned} == {
        INTERACTIONS: {"PRIMARY": 1},
        MODELS: {"PRIMARY": 0, "unique_model_version": 1},
        FEATURES: {"PRIMARY": 1, "unique_user": 1},
    }
    assert truth.snapshot(twice) == before
    said = {each["table"]: each for each in merge(twice)["data"]["tables"]}
    aside = beside(twice, "conflict")
    for table in TABLES:
        live = truth.rows(twice, table)
        assert set(new[table]) <= set(live)
        assert sorted(live + aside[table], key=repr) == sorted(new[table] + kept[table], key=repr)
        assert said[table]["conflicting"] == len(aside[table])
    assert [row[0] for row in aside[INTERACTIONS]] == [2]
    assert {row[0] for row in aside[FEATURES]} == {2, 3}


def test_the_backup_s_rows_take_their_place_when_told(twice):
    conflicting(twice)
    new = {table: truth.rows(twice, table) for table in TABLES}
    kept = {table: old(twice, table) for table in TABLES}
    refused = merge(twice, "--on-conflict", "backup", check=5)
    assert refused["error"]["code"] == "needs_confirmation"
    assert {table: truth.rows(twice, table) for table in TABLES} == new
    said = {each["table"]: each for each in merge(twice, "--on-conflict", "backup", "--yes")["data"]["tables"]}
    aside = beside(twice, "replaced")
    for table in TABLES:
        live = truth.rows(twice, table)
        assert set(kept[table]) <= set(live)
        assert sorted(live + aside[table], key=repr) == sorted(new[table] + kept[table], key=repr)
        assert said[table]["replaced"] == len(aside[table]) > 0


def test_rows_that_made_way_before_are_not_mixed_with_those_that_make_way_now(twice):
    conflicting(twice)
    merge(twice, "--on-conflict", "backup", "--yes")
    first = beside(twice, "replaced")[INTERACTIONS]
    truth.execute(twice, *(f"TRUNCATE {table}" for table in TABLES))
    conflicting(twice)
    before = truth.snapshot(twice)
    refused = merge(twice, "--on-conflict", "backup", "--yes", check=5)["error"]
    assert refused["code"] == "kept_before"
    assert truth.snapshot(twice) == before
    names = [name for name in truth.tables(twice) if "__replaced_" in name]
    truth.execute(twice, *(f"RENAME TABLE {name} TO {name.replace('__replaced_', '__old_')}" for name in names))
    merge(twice, "--on-conflict", "backup", "--yes")
    assert [row[0] for row in beside(twice, "replaced")[INTERACTIONS]] == [row[0] for row in first]
    assert beside(twice, "old")[INTERACTIONS] == first


def test_live_rows_that_others_refer_to_do_not_make_way(twice):
    """A foreign key that cascades would take the shop's rows along, and no trigger fires unannounced."""
    conflicting(twice)
    truth.execute(
        twice,
        f"CREATE TABLE runs (id BIGINT PRIMARY KEY, model BIGINT NOT NULL, CONSTRAINT of_model FOREIGN KEY (model)"
        f" REFERENCES {MODELS} (id) ON DELETE CASCADE)",
        "INSERT INTO runs VALUES (1, 50), (2, 50)",
        f"CREATE TRIGGER going BEFORE DELETE ON {FEATURES} FOR EACH ROW SET @going = 1",
    )
    before = truth.snapshot(twice)
    refused = merge(twice, "--on-conflict", "backup", "--yes", check=5)["error"]
    assert refused["code"] == "referenced"
    assert "runs (of_model to rl_model_metadata)" in refused["message"]
    assert "ALTER TABLE `runs` DROP FOREIGN KEY `of_model`;" in refused["hint"]
    assert truth.snapshot(twice) == before
    truth.execute(twice, "ALTER TABLE runs DROP FOREIGN KEY of_model")
    told = twice.cli("restore", "--merge", "--on-conflict", "backup", "--dry-run")
    assert f"{FEATURES}: its triggers fire for every live row that makes way: going" in told.stdout + told.stderr
    merge(twice, "--on-conflict", "backup", "--yes")
    assert truth.count(twice, "runs") == 2


def test_on_conflict_is_for_merging(twice):
    assert twice.cli("restore", "--on-conflict", "backup", "--output", "json", check=2).json["exit_code"] == 2


def test_rows_whose_user_is_gone_are_set_aside(twice):
    kept = {table: old(twice, table) for table in TABLES}
    truth.execute(twice, "DELETE FROM users WHERE id = 2", "DELETE FROM product WHERE id = 5")
    lost = [row for row in kept[INTERACTIONS] if row[1] == 2 or row[2] == 5]
    planned = merge(twice, "--dry-run")["data"]["tables"]
    assert [each["orphans"] for each in planned] == [len(lost), 0, 1]
    merge(twice)
    assert beside(twice, "set_aside")[INTERACTIONS] == lost
    assert truth.rows(twice, INTERACTIONS) == [row for row in kept[INTERACTIONS] if row not in lost]


def test_a_row_that_differs_in_case_alone_is_no_copy_of_the_other(twice):
    """The collation takes them for equal; the row that is in the backup must not be taken for one that is there."""
    truth.execute(
        twice,
        f"INSERT INTO {MODELS} (id, model_name, algorithm_type, version, is_active, created_at)"
        f" SELECT id, UPPER(model_name), algorithm_type, version, is_active, created_at FROM {backup_of(twice, MODELS)}",
    )
    merge(twice)
    assert [row[1] for row in beside(twice, "conflict")[MODELS]] == ["model-0", "model-1"]


def backup_of(database, table):
    (name,) = (name for name in truth.tables(database) if name.startswith(f"{table}__backup_"))
    return name


def test_rows_that_are_there_already_are_no_conflicts(twice):
    truth.execute(twice, f"INSERT INTO {INTERACTIONS} SELECT * FROM {backup_of(twice, INTERACTIONS)} WHERE id < 5")
    said = merge(twice)["data"]["tables"][0]
    assert (said["merged"], said["already_there"], said["conflicting"]) == (5, 4, 0)
    assert truth.rows(twice, INTERACTIONS) == old(twice, INTERACTIONS)


ORM = {
    INTERACTIONS: "CREATE TABLE user_product_interactions (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, reward DECIMAL(38,2),"
    " timestamp DATETIME(6) NOT NULL, user_id BIGINT NOT NULL, product_id BIGINT NOT NULL, interaction_type VARCHAR(255),"
    " session_id VARCHAR(255), context JSON, source VARCHAR(20) DEFAULT 'orm',"
    " CONSTRAINT FK8x1 FOREIGN KEY (user_id) REFERENCES users (id))",
}  # fmt: skip


def made_by_an_orm(database, definition=ORM[INTERACTIONS]):
    database.install()
    truth.fill(database, *(f"2026-{month:02}-01 12:00:00" for month in range(1, 10)))
    database.cli("rollback", "--yes")
    kept = old(database, INTERACTIONS)
    truth.execute(database, definition)
    return kept


def test_a_table_that_an_orm_made(database):
    """Other order, wider types, another key, a column more, ids from 1: rows come in as they were, or stay aside."""
    kept = made_by_an_orm(database)
    columns = "id, user_id, product_id, interaction_type, session_id, timestamp, context, reward"
    truth.execute(
        database,
        f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, timestamp) VALUES (1, 1, 'CLICK', '2026-10-01')",
        "DELETE FROM users WHERE id = 4",
    )
    said = merge(database)["data"]["tables"]
    live = sorted((tuple(row.values()) for row in database.query(f"SELECT {columns} FROM {INTERACTIONS}")), key=repr)
    aside = beside(database, "conflict")[INTERACTIONS] + beside(database, "set_aside")[INTERACTIONS]
    assert len(live) + len(aside) == len(kept) + 1
    assert set(live) >= set(kept) - set(aside)
    assert {each["table"]: each["rows"] for each in said}[MODELS] == 2  # that one had not been made anew
    truth.execute(database, f"INSERT INTO {INTERACTIONS} (user_id, product_id, timestamp) VALUES (1, 1, '2026-10-01')")
    newest = max(row["id"] for row in database.query(f"SELECT id FROM {INTERACTIONS}"))
    assert newest > max(row[0] for row in kept)


def test_a_replaced_row_is_kept_with_the_columns_that_the_backup_has_not(database):
    made_by_an_orm(database)
    truth.execute(
        database,
        f"INSERT INTO {INTERACTIONS} (id, user_id, product_id, timestamp, source) VALUES (3, 1, 1, '2026-10-01', 'kept')",
    )
    merge(database, "--on-conflict", "backup", "--yes")
    (name,) = (name for name in truth.tables(database) if "__replaced_" in name)
    assert [(row["id"], row["source"]) for row in database.query(f"SELECT id, source FROM {name}")] == [(3, "kept")]
    assert truth.count(database, INTERACTIONS, "id = 3 AND source = 'orm'") == 1


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        ("id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT", "product_id"),
        ("id VARCHAR(36) PRIMARY KEY, " + "{rest}", "id"),
        ("id BIGINT AUTO_INCREMENT PRIMARY KEY, needed INT NOT NULL, " + "{rest}", "needed"),
        ("id BIGINT AUTO_INCREMENT PRIMARY KEY, {rest}, UNIQUE KEY once (user_id, product_id)", "once"),
    ],
    ids=["column missing", "type", "no default", "unique key"],
)  # fmt: skip
def test_a_table_that_the_rows_do_not_fit_is_refused_by_name(database, definition, named):
    rest = (
        "user_id BIGINT, product_id BIGINT, interaction_type VARCHAR(50), session_id VARCHAR(255), timestamp DATETIME,"
        " context JSON, reward DECIMAL(10,2)"
    )
    made_by_an_orm(database, f"CREATE TABLE {INTERACTIONS} ({definition.format(rest=rest)})")
    before = truth.snapshot(database)
    told = merge(database, check=5)
    assert told["error"]["code"] == "does_not_fit"
    assert named in told["error"]["message"]
    assert truth.snapshot(database) == before


def test_a_narrower_column_stops_the_merge_and_loses_nothing(database):
    kept = made_by_an_orm(database, ORM[INTERACTIONS].replace("DECIMAL(38,2)", "DECIMAL(38,0)"))
    stopped = merge(database, check=1)
    assert stopped["error"]["code"] == "rows_changed", stopped["error"]
    assert "reward" in stopped["error"]["message"]
    assert old(database, INTERACTIONS) == kept
    assert truth.count(database, INTERACTIONS) == 0
    truth.execute(database, f"ALTER TABLE {INTERACTIONS} MODIFY reward DECIMAL(10,2)")
    merge(database)
    assert truth.count(database, INTERACTIONS) == len(kept)


def test_a_trigger_that_changes_what_is_brought_in_stops_the_merge(twice):
    kept = old(twice, MODELS)
    truth.execute(twice, f"CREATE TRIGGER stamp BEFORE INSERT ON {MODELS} FOR EACH ROW SET NEW.created_by = 7")
    stopped = merge(twice, check=1)
    assert stopped["error"]["code"] == "rows_changed"
    assert "stamp" in stopped["error"]["message"]
    assert truth.count(twice, MODELS) == 0
    truth.execute(twice, "DROP TRIGGER stamp")
    merge(twice)
    assert truth.rows(twice, MODELS) == kept


def test_after_another_rollback_it_is_merged_anew(twice):
    """What a merge brought in goes with the tables to the next backup; nothing is taken for merged that isn't there."""
    merge(twice)
    twice.cli("rollback", "--yes")
    twice.cli("migrate")
    ids = [each["id"] for each in twice.cli("backups", "list", "--output", "json").json["data"]["backups"]]
    kept = {table: truth.rows(twice, f"{table}__backup_{ids[1]}") for table in TABLES}
    for backup in reversed(ids):
        twice.cli("restore", backup, "--merge")
        assert {table: truth.rows(twice, table) for table in TABLES} == kept


def test_a_backup_that_an_interrupted_rollback_left_its_keys_loses_them(database):
    """Somebody has made the table anew; the backup is merged, and a user's deletion must not cascade into it."""
    database.install()
    truth.fill(database, *(f"2026-{month:02}-01 12:00:00" for month in range(1, 10)))
    name = f"{INTERACTIONS}__backup_20260101_000000"
    truth.execute(database, f"RENAME TABLE {INTERACTIONS} TO {name}", f"CREATE TABLE {INTERACTIONS} LIKE {name}")
    kept = truth.rows(database, name)
    merge(database)
    assert "FOREIGN KEY" not in truth.definition(database, name)
    truth.execute(database, "DELETE FROM users WHERE id = 3")
    assert truth.rows(database, name) == kept == truth.rows(database, INTERACTIONS)


def test_partitioned_tables_are_merged_too(database):
    if database.server.family == "oceanbase":
        pytest.skip("it can't partition a table that is there by another key")
    database.install()
    truth.fill(database, *(f"2026-{month:02}-01 12:00:00" for month in range(1, 10)))
    changes = (
        f"ALTER TABLE {INTERACTIONS} DROP FOREIGN KEY fk_{INTERACTIONS}_user, DROP FOREIGN KEY fk_{INTERACTIONS}_product",
        f"ALTER TABLE {INTERACTIONS} DROP PRIMARY KEY, ADD PRIMARY KEY (id, timestamp)",
        f"ALTER TABLE {INTERACTIONS} PARTITION BY RANGE COLUMNS(timestamp) (PARTITION p_future VALUES LESS THAN (MAXVALUE))",
    )
    # Two rows of one id, which (id, timestamp) allows.
    truth.execute(database, *changes, f"UPDATE {INTERACTIONS} SET id = 1 WHERE id = 2")
    database.cli("rollback", "--yes")
    definition = truth.definition(database, backup_of(database, INTERACTIONS))
    kept = old(database, INTERACTIONS)
    truth.execute(database, definition.replace(backup_of(database, INTERACTIONS), INTERACTIONS))
    truth.execute(database, "DELETE FROM users WHERE id = 2")
    merge(database)
    assert sorted(truth.rows(database, INTERACTIONS) + beside(database, "set_aside")[INTERACTIONS], key=repr) == kept
