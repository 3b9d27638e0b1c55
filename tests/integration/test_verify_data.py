"""rlops verify --data on real servers: each wrong row is found, exactly, and nothing is written."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import truth
from truth import TABLES

from rlops import events, sqlfiles
from rlops.db import Database
from rlops.ops import data
from rlops.ops.data import Bounds
from rlops.settings import Target
from rlops.settings.target import Secret

INTERACTIONS, MODELS, FEATURES = TABLES
REWARDS = {
    "VIEW": "0.10", "CLICK": "0.50", "CART_ADD": "2.00", "PURCHASE": "10.00", "WISHLIST": "1.00", "REMOVE_CART": "-1.00",
    "REMOVE_WISHLIST": "-0.50",
}  # fmt: skip
CONTEXT = {
    "category_id": 1, "price_range": {"min": 1, "max": 9.5}, "device_type": "phone", "referrer": "Straße 😀", "position": 1, "page": 1,
}  # fmt: skip
VECTOR = [0.25] * 49 + [1]
GOOD = json.dumps({"feature_vector": VECTOR, "recency": {}})
BAD_ID = 1000
PASSWORD = "Rl-0ps.test"


@pytest.fixture
def shop(database):
    """Migrated, with rows of every type and nothing wrong in them."""
    database.install()
    with database.connect() as connection, connection.cursor() as cursor:
        for number, (kind, reward) in enumerate(REWARDS.items(), 1):
            cursor.execute(
                f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, context, reward) VALUES (%s, %s, %s, %s, %s)",
                (number, number, kind, json.dumps(CONTEXT) if number % 2 else None, reward),
            )
        for number in range(1, 4):
            cursor.execute(
                f"INSERT INTO {MODELS} (model_name, algorithm_type, version, is_active, performance_metrics) VALUES (%s, %s, '1', %s, %s)",
                (
                    f"model {number}",
                    ("LINUCB", "THOMPSON_SAMPLING", "DQN")[number - 1],
                    number < 3,
                    '{"ctr": 0.1, "total_interactions": 5}',
                ),
            )
            cursor.execute(f"INSERT INTO {FEATURES} (user_id, feature_vector) VALUES (%s, %s)", (number, GOOD))
    return database


def open_database(shop, user="root"):
    login = shop.server.connect_args()
    socket = login.get("unix_socket")
    return closing(
        Database(
            Target(
                host=login.get("host"), port=login.get("port"), socket=Path(socket) if socket else None, user=user,
                password=Secret(PASSWORD if user != "root" else login.get("password", "")), database=shop.name, sources={},
            ),
            program="test", statement_limit=60, lock_wait=1,
        )
    )  # fmt: skip


def look(shop, user="root", **options):
    with open_database(shop, user) as db:
        return data.examine(db, sqlfiles.load(None, db.family), dict.fromkeys(TABLES), **options)


def found(report):
    return sorted((finding["check"], finding["object"].split(".", 1)[-1]) for finding in report.findings)


def interaction(
    kind="'VIEW'", reward="0.1", context="'{}'", timestamp="'2026-01-01'", user=1, product=1, row_id=BAD_ID
):
    return (
        f"INSERT INTO {INTERACTIONS} (id, user_id, product_id, interaction_type, reward, context, timestamp)"
        f" VALUES ({row_id}, {user}, {product}, {kind}, {reward}, {context}, {timestamp})"
    )


def model(
    algorithm="'DQN'", metrics="'{}'", name="'other'", version="'1'", active=0, trained="NULL", created="'2026-01-01'"
):
    return (
        f"INSERT INTO {MODELS} (id, model_name, algorithm_type, version, is_active, training_date, performance_metrics, created_at)"
        f" VALUES ({BAD_ID}, {name}, {algorithm}, {version}, {active}, {trained}, {metrics}, {created})"
    )


def features(vector=GOOD, user=9, updated="'2026-01-01'"):
    return f"INSERT INTO {FEATURES} (id, user_id, feature_vector, last_updated) VALUES ({BAD_ID}, {user}, '{vector}', {updated})"


def vector(*numbers):
    return json.dumps({"feature_vector": numbers})


LATER = "DATE_ADD(CURRENT_TIMESTAMP, INTERVAL 10 MINUTE)"
CASES = {
    "a type in small letters": (interaction("'view'"), [("interaction_type", "interaction_type")]),
    "a type with a space": (interaction("'VIEW '"), [("interaction_type", "interaction_type")]),
    "an empty type": (interaction("''"), [("interaction_type", "interaction_type")]),
    "a type beyond ASCII": (interaction("'KLÍCK 😀'"), [("interaction_type", "interaction_type")]),
    "a reward a cent off": (interaction(reward="0.11"), [("reward", "reward")]),
    "the default reward": (interaction(reward="DEFAULT"), [("reward", "reward")]),
    "a reward with the wrong sign": (interaction("'REMOVE_CART'", "1"), [("reward", "reward")]),
    "no reward": (interaction(reward="NULL"), []),
    "an unknown user": (interaction(user=777), [("orphan", "user_id")]),
    "an unknown product": (interaction(product=-3), [("orphan", "product_id")]),
    "an unknown user and product": (interaction(user=777, product=0), [("orphan", "product_id"), ("orphan", "user_id")]),
    "a context that is a list": (interaction(context="'[]'"), [("shape", "context")]),
    "a context that is null": (interaction(context="'null'"), [("shape", "context")]),
    "a page in words": (interaction(context="""'{"page": "one"}'"""), [("shape", "context.page")]),
    "a price range without max": (interaction(context="""'{"price_range": {"min": 1}}'"""), [("shape", "context.price_range.max")]),
    "a big page": (interaction(context="""'{"page": 18446744073709551615}'"""), []),
    "a page of null": (interaction(context="""'{"page": null}'"""), []),
    "a key more": (interaction(context="""'{"größe": {"😀": [1, {"a": null}]}}'"""), []),
    "a deep context": (interaction(context=f"""'{{"deep": {"[" * 20}{"]" * 20}}}'"""), []),
    "a context with a key twice": (interaction(context="""'{"page": "x", "page": 1}'"""), []),
    "an interaction to come": (interaction(timestamp=LATER), [("future", "timestamp")]),
    "an interaction of now": (interaction(timestamp="CURRENT_TIMESTAMP"), []),
    "an interaction of long ago": (interaction(timestamp="'1000-01-01'"), []),
    "an interaction of no day": (interaction(timestamp="'0000-00-00'"), [("no_date", "timestamp")]),
    "an unknown algorithm": (model("'SARSA'"), [("algorithm", "algorithm_type")]),
    "an algorithm in small letters": (model("'dqn'"), [("algorithm", "algorithm_type")]),
    "metrics in words": (model(metrics="""'{"ctr": "high"}'"""), [("shape", "performance_metrics.ctr")]),
    "half an interaction": (model(metrics="""'{"total_interactions": 0.5}'"""), [("shape", "performance_metrics.total_interactions")]),
    "no metrics": (model(metrics="NULL"), []),
    "a second active version": (model(name="'model 1'", version="'2'", active=1), [("active_versions", "is_active")]),
    "a second active version by collation": (model(name="'MODEL 1'", version="'2'", active=1), [("active_versions", "is_active")]),
    "a second version that is inactive": (model(name="'model 1'", version="'2'"), []),
    "a second version that is NULL": (model(name="'model 1'", version="'2'", active="NULL"), []),
    "a training to come": (model(trained=LATER), [("future", "training_date")]),
    "a model to come": (model(created=LATER), [("future", "created_at")]),
    "features of an unknown user": (features(user=777), [("orphan", "user_id")]),
    "features to come": (features(updated=LATER), [("future", "last_updated")]),
    "a vector of 49": (features(vector(*VECTOR[1:])), [("vector", "feature_vector.feature_vector")]),
    "a vector of 51": (features(vector(1, *VECTOR)), [("vector", "feature_vector.feature_vector")]),
    "a vector with a text": (features(vector("1", *VECTOR[1:])), [("vector", "feature_vector.feature_vector")]),
    "no vector": (features('{"recency": {}}'), [("vector", "feature_vector.feature_vector")]),
    "demographics in a list": (features(GOOD[:-1] + ', "demographics": []}'), [("shape", "feature_vector.demographics")]),
}  # fmt: skip


def test_clean_rows_give_no_finding(shop):
    before = truth.snapshot(shop)
    answer = shop.cli("verify", "--data", "--output", "json", check=None).json
    assert [finding for finding in answer["data"]["findings"] if finding["check"] != "account"] == []
    looked = answer["data"]["data"]
    assert [(each["table"], each["rows"], each["complete"]) for each in looked["ranges"]] == [
        (INTERACTIONS, 7, True),
        (MODELS, 3, True),
        (FEATURES, 3, True),
    ]
    assert (looked["checked_rows"], looked["complete"]) == (13, True)
    assert {check["status"] for check in looked["checks"] if check["check"] != "vanished_model"} == {"ok"}
    assert truth.snapshot(shop) == before


def test_empty_tables_are_fine(database):
    database.install()
    report = look(database)
    assert (found(report), report.complete, [each.rows for each in report.ranges]) == ([], True, [0, 0, 0])
    assert look(database, full=True).complete


def test_each_wrong_row_is_found_and_nothing_else(shop):
    with shop.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION foreign_key_checks = 0")
        cursor.execute("SET SESSION sql_mode = ''")
        for name, (insert, expected) in CASES.items():
            cursor.execute(insert)
            report = look(shop)
            assert found(report) == expected, name
            for finding in report.findings:
                assert finding["expected"], name
                cursor.execute(finding["hint"])
                assert BAD_ID in {row["id"] for row in cursor.fetchall()}, name
                assert str(BAD_ID) in finding["actual"], name
            for table in TABLES:
                cursor.execute(f"DELETE FROM {table} WHERE id >= {BAD_ID}")
    assert found(look(shop)) == []


def test_rewards_that_are_missing_are_counted(shop):
    truth.execute(shop, f"UPDATE {INTERACTIONS} SET reward = NULL WHERE id <= 2")
    report = look(shop)
    assert any("2 rows with NULL" in note for note in report.notes())
    (check,) = (check for check in report.data()["checks"] if check["check"] == "no_reward")
    assert (check["rows"], check["status"]) == (2, "ok")


def test_what_is_no_json_is_found_and_stops_nothing(shop):
    truth.execute(
        shop,
        f"ALTER TABLE {INTERACTIONS} DROP COLUMN context",
        f"ALTER TABLE {INTERACTIONS} ADD COLUMN context LONGTEXT",
    )
    texts = (
        "",
        "{",
        '{"page": NaN}',
        '{"a": -Infinity}',
        "[" * 5000,
        "no JSON",
        '{"page": 1}}',
        "{}",
        '{"page": 1e999}',
    )
    with shop.connect() as connection, connection.cursor() as cursor:
        for number, text in enumerate(texts):
            cursor.execute(interaction(context="%s", row_id=BAD_ID + number), (text,))
    report = look(shop)
    assert found(report) == [("json", "context"), ("shape", "context.page")]
    assert sorted(finding["actual"].split(" row")[0] for finding in report.findings) == ["1", "7"]


def test_ids_that_run_out_are_a_finding(shop):
    truth.execute(shop, interaction(row_id=2**62 - 10))
    assert found(look(shop)) == []
    truth.execute(shop, interaction(row_id=2**62 + 10))
    (finding,) = look(shop).findings
    assert (finding["check"], finding["object"]) == ("auto_increment", f"{INTERACTIONS}.id")
    assert "50%" in finding["actual"]


def test_models_that_the_journal_has_seen_and_that_are_gone(shop):
    truth.execute(shop, "DELETE FROM rlops_state WHERE name = 'models_seen'")
    assert any("recorded which models" in note for note in look(shop).notes())
    with open_database(shop) as db:
        data.remember_models(db, sqlfiles.load(None, db.family), ())
    assert found(look(shop)) == []
    truth.execute(shop, f"DELETE FROM {MODELS} WHERE model_name = 'model 2'", model())
    report = look(shop)
    assert [(f["check"], f["expected"], f["actual"]) for f in report.findings] == [
        ("vanished_model", "3 models seen before", "1 model gone: id 2")
    ]
    with open_database(shop) as db:
        data.remember_models(db, sqlfiles.load(None, db.family), ())
    seen = shop.query("SELECT value FROM rlops_state WHERE name = 'models_seen'")
    assert [row["value"] for row in seen] == ["1-3,1000"]


def test_a_writing_command_records_the_models_that_it_sees(database):
    database.install()
    truth.fill(database, "2020-01-01 00:00:00")
    database.cli("cleanup", "--months", "12", "--yes")
    truth.execute(database, "DELETE FROM rl_model_metadata WHERE model_name = 'model-0'")
    answer = database.cli("verify", "--data", "--output", "json", check=3).json
    assert "vanished_model" in {finding["check"] for finding in answer["data"]["findings"]}
    database.cli("rollback", "--yes")
    database.cli("migrate")
    answer = database.cli("verify", "--data", "--output", "json", check=None).json
    assert "vanished_model" not in {finding["check"] for finding in answer["data"]["findings"]}


def many(shop, count):
    """`count` interactions, one in fifty wrong in one way; returns the ids of each way."""
    dice, start, wrong = random.Random(50), datetime(2026, 1, 1), {}
    rows = []
    for row_id in range(101, 101 + count):
        kind = dice.choice(list(REWARDS))
        row = [
            row_id,
            dice.randint(1, 20),
            dice.randint(1, 20),
            kind,
            start + timedelta(seconds=row_id),
            json.dumps(CONTEXT),
            REWARDS[kind],
        ]
        if dice.random() < 0.02:
            way, at, value = dice.choice([
                (("orphan", "user_id", "an id of users"), 1, 999), (("orphan", "product_id", "an id of product"), 2, 999),
                (("interaction_type", "interaction_type", ""), 3, dice.choice(["view", "Click", "HOVER"])),
                (("future", "timestamp", "not in the future"), 4, datetime(2999, 1, 1)),
                (("shape", "context.page", "integer"), 5, '{"page": []}'), (("shape", "context", "object"), 5, "[1]"),
                (("reward", "reward", f"{REWARDS[kind]} for {kind}"), 6, "99.99"),
            ])  # fmt: skip
            row[at] = value
            wrong.setdefault(way, []).append(row_id)
        rows.append(row)
    with shop.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION foreign_key_checks = 0")
        connection.begin()
        for first in range(0, count, 2000):
            cursor.executemany(
                f"INSERT INTO {INTERACTIONS} (id, user_id, product_id, interaction_type, timestamp, context, reward)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                rows[first : first + 2000],
            )
        connection.commit()
    return wrong


def told(findings):
    """The number of rows of each finding, by check, place and what was expected."""
    return Counter({
        (f["check"], f["object"].split(".", 1)[1], "" if f["check"] == "interaction_type" else f["expected"]):
        int(f["actual"].split()[0].replace(",", "")) for f in findings if f["check"] != "account"
    })  # fmt: skip


def test_a_full_look_at_fifty_thousand_rows_agrees_with_the_truth(shop):
    wrong = many(shop, 50_000)
    answer = shop.cli("verify", "--data", "--full", "--output", "json", check=3)
    looked = answer.json["data"]["data"]
    assert looked["ranges"][0] == {
        "table": INTERACTIONS,
        "first_id": 1,
        "last_id": 50_100,
        "rows": 50_007,
        "complete": True,
    }
    print(f"{shop.server.label}: {looked['checked_rows'] / looked['seconds']:,.0f} rows/s")
    findings = answer.json["data"]["findings"]
    assert told(findings) == {way: len(ids) for way, ids in wrong.items()}
    for finding in findings:
        if finding["check"] not in ("account", "shape"):
            key = next(way for way in told([finding]))
            assert sorted(row["id"] for row in shop.query(finding["hint"])) == wrong[key]


def test_by_default_the_newest_rows_are_looked_at_and_the_answer_says_which(shop):
    wrong = many(shop, 6000)
    report = look(shop, bounds=Bounds(rows=2500))
    seen = report.ranges[0]
    assert (seen.first_id, seen.last_id, seen.rows, seen.complete) == (3601, 6100, 2500, False)
    assert not report.complete
    assert told(report.findings) == {way: n for way, ids in wrong.items() if (n := sum(each > 3600 for each in ids))}
    (note,) = (note for note in report.notes() if "--full" in note)
    assert "2,500 rows of user_product_interactions, ids 3,601 to 6,100" in note
    assert data.RECENT.rows and data.RECENT.seconds


def test_ctrl_c_ends_after_the_chunk_and_says_how_far_it_came(shop):
    many(shop, 6000)
    before = signal.getsignal(signal.SIGINT)

    def interrupt(event):
        if isinstance(event, events.Progress):
            os.kill(os.getpid(), signal.SIGINT)

    report = look(shop, full=True, emit=interrupt)
    assert signal.getsignal(signal.SIGINT) is before
    assert report.interrupted
    (seen,) = report.ranges
    assert 0 < seen.rows < 6000
    assert seen.last_id == 6100
    assert not report.complete


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_exits_130_with_one_document(shop, number):
    many(shop, 60_000)
    command = [sys.executable, "-m", "rlops", "verify", "--data", "--full", "--output", "json", *shop.options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=shop.home, text=True) as process:
        assert any(line.startswith(f"check {INTERACTIONS}:") for line in process.stderr)
        process.send_signal(number)
        stdout = process.stdout.read()
    answer = json.loads(stdout)
    assert (process.returncode, answer["status"]) == (130, "interrupted")
    (seen,) = answer["data"]["data"]["ranges"]
    assert 0 < seen["rows"] < 60_000
    assert f"{seen['rows']:,} rows of {INTERACTIONS}" in answer["error"]["message"]


def test_full_without_data_is_a_usage_error(database):
    database.cli("verify", "--full", check=2)


def test_the_table_shows_every_check_and_the_select(shop):
    truth.execute(shop, interaction("'HOVER'"))
    answer = shop.cli("verify", "--data", check=3)
    assert "interaction_type: findings" in answer.stdout
    assert f"SELECT `id`, `interaction_type` FROM `{INTERACTIONS}` WHERE id IN ({BAD_ID})" in answer.stdout


@pytest.fixture
def reader(shop):
    """An account that may read the three tables, and what a test grants it beside."""
    name = f"r_{shop.name[-8:]}"
    truth.execute(shop, f"CREATE USER '{name}'@'%' IDENTIFIED BY '{PASSWORD}'")
    for table in TABLES:
        truth.execute(shop, f"GRANT SELECT ON {shop.name}.{table} TO '{name}'@'%'")
    yield name
    truth.execute(shop, f"DROP USER '{name}'@'%'")


def test_select_is_enough(shop, reader):
    for table in ("users", "product"):
        truth.execute(shop, f"GRANT SELECT ON {shop.name}.{table} TO '{reader}'@'%'")
    truth.execute(shop, interaction("'HOVER'", reward="NULL"))
    before = truth.snapshot(shop)
    report = look(shop, reader, full=True)
    assert found(report) == [("interaction_type", "interaction_type")]
    assert {o.status for o in report.outcomes if o.check not in ("interaction_type", "vanished_model")} == {"ok"}
    assert truth.snapshot(shop) == before


def test_parents_that_may_not_be_read_are_denied_and_not_orphans(shop, reader):
    truth.execute(shop, "SET SESSION foreign_key_checks = 0", interaction("'HOVER'", user=777))
    report = look(shop, reader)
    assert found(report) == [("interaction_type", "interaction_type")]
    assert {o.status for o in report.outcomes if o.check == "orphan"} == {"denied"}
    assert any(note.startswith("denied") and "orphan" in note for note in report.notes())


def test_a_column_that_is_gone_is_said_and_stops_nothing_else(shop):
    truth.execute(shop, f"ALTER TABLE {INTERACTIONS} DROP COLUMN reward", model("'SARSA'"))
    report = look(shop)
    assert found(report) == [("algorithm", "algorithm_type")]
    assert "unavailable" in {o.status for o in report.outcomes if o.object.startswith(INTERACTIONS)}
    assert not report.complete


def test_writers_that_hold_locks_do_not_stop_it(shop):
    connection = shop.connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {INTERACTIONS} FOR UPDATE")
        cursor.execute(interaction("'HOVER'"))
    assert found(look(shop)) == []
    connection.commit()
    assert found(look(shop)) == [("interaction_type", "interaction_type")]
