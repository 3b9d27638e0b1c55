"""The rows that a chunk names by their ids: exactly these are compared and locked, on every engine."""

from __future__ import annotations

import hashlib
import random

import pymysql
import pytest
import truth
from truth import TABLES

from rlops import rowhash, sqlfiles
from rlops.ids import RANGE, among
from rlops.sqlfiles import Keywords
from rlops.structure import parse_create_table

INTERACTIONS = TABLES[0]


@pytest.fixture
def filled(database):
    database.install()
    truth.fill(database, *["2024-01-01 00:00:00"] * 200)
    truth.execute(database, f"DELETE FROM {INTERACTIONS} WHERE id = {existing(database)[75]}")  # a gap
    return database


def existing(database):
    return [row["id"] for row in database.query(f"SELECT id FROM {INTERACTIONS} ORDER BY id")]


def test_the_condition_names_these_rows_and_no_other(filled):
    numbers = random.Random(7)
    everything = existing(filled)
    some = [sorted(numbers.sample(everything, size)) for size in (1, 2, 150, 198)]
    runs = [everything[:RANGE], everything[: RANGE - 1], everything, everything[3:]]
    for ids in [*some, *runs]:
        (condition,) = among(numbers.sample(ids, len(ids))).words
        found = filled.query(f"SELECT id FROM {INTERACTIONS} WHERE {condition} ORDER BY id")
        assert [row["id"] for row in found] == ids, condition


def test_the_rows_that_are_compared_are_locked_and_none_beside_them(filled):
    """The hash of all comes as one value; a server that locked nothing for that would let a change slip in between."""
    columns = parse_create_table(truth.definition(filled, INTERACTIONS)).columns
    sql = sqlfiles.load(None, filled.server.family)
    everything = existing(filled)
    ids = [*everything[50:100], everything[120], everything[-1]]
    lock = f"SELECT id FROM {INTERACTIONS}"
    new = "(user_id, product_id, interaction_type, timestamp) VALUES (1, 1, 'VIEW', '2024-01-01 00:00:00')"
    text, condition = rowhash.row_text(columns), among(ids)
    names = {"texts": Keywords((text,)), "condition": condition}
    statement = sql.statement("cleanup/050_hash_rows", names)
    texts = filled.query(f"SELECT {text} AS text FROM {INTERACTIONS} WHERE {condition.words[0]} ORDER BY id")
    with filled.connect(autocommit=False) as holder, holder.cursor() as cursor:
        cursor.execute("SET SESSION group_concat_max_len = 1000000")
        cursor.execute(statement.sql)
        (found,) = cursor.fetchone().values()
        assert found == hashlib.sha256("".join(row["text"] for row in texts).encode()).hexdigest()
        for number in (ids[0], ids[24], ids[25], ids[49], ids[50], ids[51]):
            with pytest.raises(pymysql.err.MySQLError, match=r"(?i)lock"):
                truth.execute(filled, "START TRANSACTION", f"{lock} WHERE id = {number} FOR UPDATE NOWAIT")
        for number in (everything[n] for n in (49, 100, 119, 121, -2)):
            truth.execute(filled, "START TRANSACTION", f"{lock} WHERE id = {number} FOR UPDATE NOWAIT")
        truth.execute(filled, f"INSERT INTO {INTERACTIONS} {new}")
        holder.rollback()
