"""The statements seen that will behave differently once triggers stand in for the foreign keys: said beforehand, and true."""

from __future__ import annotations

import shutil
import time
import uuid

import pytest
import truth
from conftest import ShopDatabase, fill_shop, own_server
from test_partition import INTERACTIONS, at, insert, refused

from rlops.sqlfiles import default_root

DIGESTS = "performance_schema.events_statements_summary_by_digest"
FAILS, TAKES, WHOLE = "will fail with 1442", "will delete interactions", "will fail whole where one row has no parent"
JOINED = f"users u JOIN {INTERACTIONS} i ON i.user_id = u.id"
# The statement, what is said of it, and the error that it gets afterwards.
SEEN = {
    "a parent by what it reads": (f"DELETE FROM users WHERE id IN (SELECT user_id FROM {INTERACTIONS})", FAILS, 1442),
    "a parent by its alias": (f"DELETE u FROM {JOINED} WHERE u.id = 3", FAILS, 1442),
    "both": (f"DELETE u.*, i.* FROM {JOINED} WHERE u.id = 3", FAILS, 1442),
    "a parent by its qualified name": (
        f"DELETE FROM {{schema}}.users USING {{schema}}.users JOIN {INTERACTIONS} i ON i.user_id = users.id", FAILS, 1442,
    ),
    "REPLACE INTO a parent": ("REPLACE INTO users (id, email) VALUES (4, 'x')", TAKES, 0),
    "several at once": (
        f"INSERT IGNORE INTO {INTERACTIONS} (user_id, product_id, interaction_type) VALUES (1, 1, 'VIEW'), (99, 1, 'VIEW')", WHOLE, 1452,
    ),
    "interactions by a parent": (f"DELETE i FROM {JOINED} WHERE u.id = 5", None, 0),
    "interactions of some parents": (f"DELETE FROM {INTERACTIONS} WHERE user_id IN (SELECT id FROM users WHERE id < 4)", None, 0),
    "interactions changed by a parent": (f"UPDATE {INTERACTIONS} i JOIN users u ON i.user_id = u.id SET i.reward = 2", None, 0),
    "a parent changed by its interactions": (f"UPDATE {JOINED} SET u.email = 'y' WHERE i.reward > 0", None, 0),
    "another table by a parent": ("REPLACE INTO copies SELECT id FROM users", None, 0),
    "a parent alone": ("DELETE FROM users WHERE id = 6", None, 0),
}  # fmt: skip


@pytest.fixture(scope="module", params=["mysql-9.7", "mariadb-11.8"])
def recording(request, tmp_path_factory):
    """A server that records statements."""
    options = ("--performance-schema=ON",)
    with own_server(request.config, request.param, tmp_path_factory.mktemp("recording"), *options) as started:
        yield started


@pytest.fixture
def shop(recording, tmp_path):
    database = ShopDatabase(recording, f"t_{uuid.uuid4().hex[:12]}", tmp_path)
    fill_shop(database)
    return database


def saw(shop, statement):
    """Run it in a transaction that is rolled back, and wait until the server shows it."""
    connection = shop.connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.rollback()
    deadline = time.monotonic() + 10
    written = f"SELECT COUNT(*) AS n FROM {DIGESTS} WHERE SCHEMA_NAME = %s AND DIGEST_TEXT REGEXP '^(DELETE|UPDATE|REPLACE|INSERT IGNORE)'"
    while not shop.query(written, (shop.name,))[0]["n"]:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("case", SEEN)
def test_a_statement_that_will_behave_differently_is_said(shop, case):
    statement, said, number = SEEN[case]
    statement = statement.format(schema=shop.name)
    shop.install()
    truth.execute(shop, "CREATE TABLE copies (id BIGINT PRIMARY KEY)", *(insert(n, n, at(-n % 3)) for n in range(1, 7)))
    saw(shop, statement)
    planned = shop.cli("partition", "enable", "--offline", "--dry-run", "--output", "json").json
    notes = [note for note in planned["notes"] if "seen)" in note]
    assert [note.partition(" (")[0] for note in notes] == ([said] if said else [])
    shop.cli("partition", "enable", "--offline")
    assert refused(shop, statement) == number
    assert truth.count(shop, INTERACTIONS, "user_id = 4") == (0 if said == TAKES else 1)


def test_a_changed_key_of_a_parent_is_said_where_it_cascades(shop):
    folder = shop.home / "sql"
    shutil.copytree(default_root(), folder)
    file = folder / "create" / "010_user_product_interactions.sql"
    file.write_text(file.read_text().replace("ON DELETE CASCADE", "ON DELETE CASCADE ON UPDATE CASCADE"))
    options = ("--sql-dir", str(folder), "--environment", "development")
    shop.cli("migrate", *options)
    truth.execute(shop, insert(1, 1), insert(2, 2))
    statement = f"UPDATE {JOINED} SET u.id = 777 WHERE i.user_id = 2"
    saw(shop, statement)
    planned = shop.cli("partition", "enable", "--offline", "--dry-run", "--output", "json", *options).json
    assert [note.partition(" (")[0] for note in planned["notes"] if "seen)" in note] == [FAILS]
    shop.cli("partition", "enable", "--offline", *options)
    assert refused(shop, statement) == 1442
    assert refused(shop, "UPDATE users SET id = 777 WHERE id = 2") == 0
    assert truth.count(shop, INTERACTIONS, "user_id = 777") == 1
    assert refused(shop, "UPDATE IGNORE users SET id = 1 WHERE id = 777") == 0
    assert truth.count(shop, INTERACTIONS, "user_id = 777") == truth.count(shop, "users", "id = 777") == 1
