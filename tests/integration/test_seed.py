"""`rlops seed` on every server: the rows that it makes, and where it makes none."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import truth
from conftest import ShopDatabase

DEVELOPMENT = {"RLOPS_ENVIRONMENT": "development"}
TABLES = ("user_product_interactions", "rl_model_metadata", "user_context_features")
REWARDS = {
    "VIEW": 0.1,
    "CLICK": 0.5,
    "CART_ADD": 2,
    "PURCHASE": 10,
    "WISHLIST": 1,
    "REMOVE_CART": -1,
    "REMOVE_WISHLIST": -0.5,
}


@pytest.fixture
def migrated(database: ShopDatabase) -> ShopDatabase:
    database.cli("migrate", env=DEVELOPMENT)
    return database


def counts(database: ShopDatabase) -> list[int]:
    return [database.query(f"SELECT COUNT(*) AS n FROM {table}")[0]["n"] for table in TABLES]


def test_what_is_seeded(migrated: ShopDatabase) -> None:
    answer = migrated.cli("seed", "--rows", "3210", "--months", "3", "--output", "json", env=DEVELOPMENT)
    assert [step["rows"] for step in answer.json["steps"]] == [12, 20, 3210]
    data = answer.json["data"]
    assert data["interactions"] == 3210 and data["until"].endswith(truth.offset(migrated))
    assert counts(migrated) == [3210, 12, 20]

    rows = migrated.query("SELECT *, UTC_TIMESTAMP() AS now FROM user_product_interactions")
    assert {row["interaction_type"]: float(row["reward"]) for row in rows} == REWARDS
    views = sum(row["interaction_type"] == "VIEW" for row in rows)
    assert 0.55 < views / len(rows) < 0.7
    assert {len(row["session_id"]) for row in rows} == {36}
    assert len({row["session_id"] for row in rows}) < len(rows) / 3
    assert all(row["timestamp"] <= row["now"] + timedelta(hours=14) for row in rows)
    span = max(row["timestamp"] for row in rows) - min(row["timestamp"] for row in rows)
    assert timedelta(days=80) < span < timedelta(days=93)
    contexts = [json.loads(row["context"]) for row in rows]
    keys = {"category_id", "price_range", "device_type", "referrer", "position", "page"}
    assert all(set(context) == keys and set(context["price_range"]) == {"min", "max"} for context in contexts)

    models = migrated.query(
        "SELECT model_name, SUM(is_active) AS active, COUNT(*) AS n FROM rl_model_metadata GROUP BY model_name"
    )
    assert [(int(model["active"]), model["n"]) for model in models] == [(1, 4)] * 3
    for row in migrated.query("SELECT feature_vector FROM user_context_features"):
        assert len(json.loads(row["feature_vector"])["feature_vector"]) == 50


def test_seeding_gives_verify_nothing_new_to_find(migrated: ShopDatabase) -> None:
    before = migrated.cli("verify", "--output", "json", check=None).json["data"]["findings"]
    migrated.cli("seed", "--rows", "600", "--months", "1", env=DEVELOPMENT)
    assert migrated.cli("verify", "--output", "json", check=None).json["data"]["findings"] == before


def test_a_second_seed_adds_interactions_only(migrated: ShopDatabase) -> None:
    migrated.cli("seed", "--rows", "10", env=DEVELOPMENT)
    before = (
        migrated.query("SELECT * FROM user_context_features ORDER BY id"),
        migrated.query("SELECT * FROM rl_model_metadata ORDER BY id"),
    )
    migrated.cli("seed", "--rows", "7", "--months", "1", env=DEVELOPMENT)
    assert counts(migrated) == [17, 12, 20]
    after = (
        migrated.query("SELECT * FROM user_context_features ORDER BY id"),
        migrated.query("SELECT * FROM rl_model_metadata ORDER BY id"),
    )
    assert after == before
    history = migrated.cli("history", "--output", "json").json["data"]["runs"]
    assert [(run["command"], run["status"]) for run in history] == [("seed", "ok"), ("seed", "ok"), ("migrate", "ok")]


def test_dry_run_writes_nothing(migrated: ShopDatabase) -> None:
    answer = migrated.cli("seed", "--rows", "100", "--dry-run", "--output", "json", env=DEVELOPMENT)
    assert [step["status"] for step in answer.json["steps"]] == ["planned"] * 3
    assert all(step["sql"].startswith("INSERT") for step in answer.json["steps"])
    assert counts(migrated) == [0, 0, 0]
    assert len(migrated.cli("history", "--output", "json").json["data"]["runs"]) == 1


def test_production_is_refused(database: ShopDatabase) -> None:
    database.install("production")
    for env in ({}, DEVELOPMENT):  # recorded as production: an option can't make it laxer
        refused = database.cli("seed", "--rows", "10", "--output", "json", env=env, check=5)
        assert refused.json["error"]["code"] == "production"
    assert counts(database) == [0, 0, 0]


def test_development_said_of_a_schema_recorded_so_can_be_made_stricter(migrated: ShopDatabase) -> None:
    migrated.cli("seed", "--rows", "10", env={"RLOPS_ENVIRONMENT": "production"}, check=5)
    migrated.cli("seed", "--rows", "10")
    assert counts(migrated)[0] == 10


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ("DROP TABLE user_context_features", "no_table"),
        ("DELETE FROM users", "no_parents"),
        ("DELETE FROM product", "no_parents"),
    ],
)
def test_what_is_missing_is_named(migrated: ShopDatabase, spoil: str, code: str) -> None:
    migrated.query(spoil)
    refused = migrated.cli("seed", "--output", "json", env=DEVELOPMENT, check=5)
    assert refused.json["error"]["code"] == code
    assert "rlops" in refused.json["error"]["hint"]


def test_before_migrate_and_outside_of_a_shop(database: ShopDatabase) -> None:
    refused = database.cli("seed", env=DEVELOPMENT, check=5)
    assert "rlops migrate" in refused.stderr
    database.query("DROP TABLE product")
    assert "no table product" in database.cli("seed", env=DEVELOPMENT, check=5).stderr
    assert [row for row in database.query("SHOW TABLES") if "rlops" in str(row)] == []


@pytest.mark.parametrize("arguments", [("--rows", "0"), ("--months", "0"), ("--rows", "x"), ("--months", "-1")])
def test_bad_usage(database: ShopDatabase, arguments: tuple[str, str]) -> None:
    database.cli("seed", *arguments, env=DEVELOPMENT, check=2)
