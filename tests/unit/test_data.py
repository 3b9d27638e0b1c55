"""What verify --data makes of odd values, without a server."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from rlops import policy, sqlfiles
from rlops.db import TimedOut
from rlops.errors import Usage
from rlops.ops.data import rows, scan, whole
from rlops.ops.data.scan import Bounds, Range, newest_first
from rlops.ops.data.shapes import Breach, judge_text
from rlops.ops.data.tally import Place, Tally, shown

POLICY = policy.load(sqlfiles.default_root() / "policy.toml")
VECTOR = [0.5] * 49 + [1]


def context(text):
    return judge_text(POLICY.shapes["context"], "context")(text)


def features(**keys):
    text = json.dumps({"feature_vector": VECTOR} | keys)
    return judge_text(POLICY.shapes["feature_vector"], "feature_vector")(text)


FULL_CONTEXT = {
    "category_id": 3, "price_range": {"min": 1, "max": 2.5}, "device_type": "phone", "referrer": "mail", "position": 1, "page": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{}",
        json.dumps(FULL_CONTEXT),
        json.dumps(FULL_CONTEXT, indent=4),
        '{"page": null, "price_range": null}',
        '{"page": 3.0}',
        '{"page": 1e3}',
        '{"page": 123456789012345678901234567890}',
        '{"page": -1}',
        '{"device_type": "Gerät \U0001f600 \\ud800 \\u0000"}',
        '{"unknown": {"a": [NaN]}}'.replace("NaN", "1"),
        '{"page": "x", "page": 1}',
        b'{"page": 1}',
    ],
)
def test_contexts_that_fit(text):
    assert context(text) == ()


@pytest.mark.parametrize(
    ("text", "path", "expected", "actual"),
    [
        ("[]", "", "object", "array"),
        ("null", "", "object", "null"),
        ('"{}"', "", "object", "string"),
        ('{"page": true}', "page", "integer", "boolean"),
        ('{"page": "1"}', "page", "integer", "string"),
        ('{"page": 1.5}', "page", "integer", "fraction"),
        ('{"page": 1, "page": "x"}', "page", "integer", "string"),
        ('{"device_type": 1}', "device_type", "string", "integer"),
        ('{"price_range": [1, 2]}', "price_range", "object", "array"),
        ('{"price_range": {"min": 1}}', "price_range.max", "number", "missing"),
        ('{"price_range": {"min": 1, "max": null}}', "price_range.max", "number", "missing"),
        ('{"price_range": {"min": 1, "max": "2"}}', "price_range.max", "number", "string"),
        ('{"price_range": {"min": 1, "max": 1e999}}', "price_range.max", "number", "number beyond a double's range"),
        ('{"page": 1e999}', "page", "integer", "number beyond a double's range"),
    ],
)
def test_contexts_that_break_the_shape(text, path, expected, actual):
    assert context(text) == (Breach("shape", path, expected, actual),)


def test_every_breach_of_a_value_is_told():
    found = context('{"page": "x", "position": [], "price_range": {}}')
    assert [breach.path for breach in found] == ["price_range.min", "price_range.max", "position", "page"]


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "{", "{'page': 1}", '{"page": NaN}', '{"page": -Infinity}', "nan", '{"page": 01}', '{"page": 1} x',
        "[" * 100_000, '{"page": ' + "9" * 5000 + "}", b"\xff\xfe", '{"a": "\t"}', "\ufeff{}",
    ],
)  # fmt: skip
def test_what_is_no_json_is_told_and_breaks_nothing(text):
    (breach,) = context(text)
    assert (breach.check, breach.path, breach.expected) == ("json", "", "valid JSON")
    assert breach.actual


def test_a_value_that_is_deep_but_readable_fits():
    assert context('{"unknown": ' + "[" * 100 + "]" * 100 + "}") == ()


@pytest.mark.parametrize(
    ("vector", "actual"),
    [
        ([0.5] * 49, "49 values"),
        ([0.5] * 51, "51 values"),
        ([], "0 values"),
        ([0.5] * 49 + ["0.5"], "value 50 is string"),
        ([None] + [0.5] * 49, "value 1 is null"),
        ([True] + [0.5] * 49, "value 1 is boolean"),
        ({}, "object"),
        (None, "missing"),
        ("0.5", "string"),
    ],
)
def test_vectors_that_are_not_of_fifty_numbers(vector, actual):
    assert features(feature_vector=vector) == (Breach("vector", "feature_vector", "50 numbers", actual),)


def test_a_vector_of_fifty_numbers_fits():
    assert features() == ()
    assert features(feature_vector=[10**400] + [0] * 49) == ()


def test_a_shape_in_unknown_words_is_refused():
    with pytest.raises(Usage, match=r"shapes\.context\.page: 'int' is none of integer"):
        judge_text({"page?": "int"}, "context")


class StillClock:
    now = datetime(2026, 1, 1)

    def is_future(self, when):
        return when > self.now


def breaches(subject, **row):
    chosen = rows.subjects(POLICY, StillClock())[subject]
    return [(b.check, b.expected, b.actual) for _, _, b in rows.breaches(chosen.checks, [{"id": 1, **row}])]


def interaction(**changes):
    row = {"interaction_type": "VIEW", "reward": Decimal("0.10"), "context": None, "timestamp": datetime(2025, 1, 1)}
    return breaches(0, **row | changes)


def test_rewards_are_compared_exactly():
    assert interaction() == []
    assert interaction(reward=Decimal("0.1")) == []
    assert interaction(reward=Decimal("0.11")) == [("reward", "0.10 for VIEW", "0.11")]
    assert interaction(reward=Decimal("0.10000000000000001")) == [("reward", "0.10 for VIEW", "0.10000000000000001")]
    assert interaction(reward=Decimal("-0.50"), interaction_type="REMOVE_WISHLIST") == []
    assert interaction(reward=None) == [("no_reward", "a reward", "NULL")]


@pytest.mark.parametrize("kind", ["view", "VIEW ", "", "HOVER", "VIEW\x1b[31m", "BÜY\U0001f600", "x" * 50])
def test_a_type_that_is_not_exactly_one_of_the_list_is_one_breach(kind):
    ((check, expected, actual),) = interaction(interaction_type=kind)
    assert check == "interaction_type"
    assert expected.startswith("one of VIEW, CLICK")
    assert "\x1b" not in actual


def test_times_in_the_future_and_times_that_are_none():
    assert interaction(timestamp=datetime(2026, 1, 1)) == []
    assert interaction(timestamp=datetime(2026, 1, 1, 0, 0, 1)) == [
        ("future", "not in the future", "2026-01-01 00:00:01")
    ]
    assert interaction(timestamp="0000-00-00 00:00:00") == [("no_date", "a date", '"0000-00-00 00:00:00"')]
    assert interaction(timestamp=None) == []


def test_the_clock_asks_the_server_again_only_after_new_rows(monkeypatch):
    asked = []
    monkeypatch.setattr(rows, "writers_now", lambda db, zone: asked.append(zone) or datetime(2026, 1, 1, 0, len(asked)))
    clock = rows.Clock(None, "server")
    assert not clock.is_future(datetime(2025, 1, 1))
    later = datetime(2026, 1, 1, 0, 2, 30)
    assert clock.is_future(later)
    assert len(asked) == 1
    clock.rows_were_read()
    assert not clock.is_future(later)
    assert len(asked) == 2
    assert clock.latest == datetime(2026, 1, 1, 0, 2) + timedelta(minutes=1)


def test_a_finding_shows_three_rows_and_its_select_all_of_them():
    place, tally = Place("t", "c", ("a", "c")), Tally()
    for row_id in (9, 8, 5, 3):
        tally.add(place, row_id, Breach("future", "", "not in the future", f"day {row_id}", "`c` > '{latest}'"))
    (hits,) = tally.of("future", place)
    finding = hits.finding("2026-01-01 00:00:00")
    assert finding.actual == "4 rows, such as id 9 (day 9), id 8 (day 8), id 5 (day 5)"
    assert finding.hint == "SELECT `id`, `a`, `c` FROM `t` WHERE id BETWEEN 3 AND 9 AND `c` > '2026-01-01 00:00:00'"


def test_long_values_are_cut():
    assert len(shown("x" * 300)) < 70
    assert shown('a"b') == '"a\\"b"'


@pytest.mark.parametrize("ids", [set(), {1}, {1, 2, 3}, {1, 3, 4, 9}, {2**62, 5}])
def test_ids_are_recorded_as_ranges(ids):
    assert set(whole._unpack(whole._pack(ids))) == ids
    assert whole._pack({1, 2, 3, 5}) == "1-3,5"


class Server:
    """Answers the two statements of a scan from a list of rows; times out above `bearable` rows."""

    def __init__(self, ids, bearable=10**9):
        self.ids, self.bearable = sorted(ids, reverse=True), bearable
        self.sizes = []

    def row(self, sql):
        return {"first_id": min(self.ids, default=None), "last_id": max(self.ids, default=None)}

    def rows(self, sql, values):
        if values["limit"] > self.bearable:
            raise TimedOut(3024, "too long")
        self.sizes.append(values["limit"])
        return [{"id": each} for each in self.ids if each <= values["last_id"]][: values["limit"]]


def scanned(server, bounds=scan.FULL):
    seen = Range("user_product_interactions")
    sql = sqlfiles.load(None, "mysql")
    ids = [row["id"] for chunk in newest_first(server, sql, "data/020_interactions", seen, bounds) for row in chunk]
    return ids, seen


@pytest.mark.parametrize(
    "ids",
    [
        [],
        [7],
        [-5, 0, 3],
        range(1, 4500),
        [1, 2, 10**12, 10**12 + 1, 2**63 - 1],
        [each // 2 for each in range(9001)],  # every id twice, as a partitioned table may have them
    ],
)
def test_a_full_scan_sees_every_row_once(ids):
    found, seen = scanned(Server(ids))
    assert found == sorted(ids, reverse=True)
    assert (seen.rows, seen.complete) == (len(ids), True)
    assert (seen.first_id, seen.last_id) == (min(ids, default=None), max(ids, default=None))


@pytest.mark.parametrize("rows", [1, 2, 1999, 2000, 2001, 4500])
def test_a_bounded_scan_sees_the_newest_rows_and_says_which(rows):
    found, seen = scanned(Server(range(1, 5001)), Bounds(rows=rows))
    assert found == list(range(5000, 5000 - rows, -1))
    assert (seen.first_id, seen.last_id, seen.rows, seen.complete) == (5001 - rows, 5000, rows, False)
    assert scanned(Server(range(1, 5001)), Bounds(rows=5000))[1].complete


def test_a_scan_without_time_left_reads_nothing():
    _, seen = scanned(Server(range(1, 5001)), Bounds(seconds=0.0))
    assert (seen.rows, seen.complete) == (0, False)


def test_chunks_that_take_too_long_are_made_smaller():
    server = Server(range(1, 3001), bearable=700)
    found, seen = scanned(server)
    assert (len(found), seen.complete) == (3000, True)
    assert max(server.sizes) <= 700
    with pytest.raises(TimedOut):
        scanned(Server(range(1, 3001), bearable=50))
