"""The synthetic traffic, without a server."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from rlops.ops.seed import months_before
from rlops.sandbox.traffic import Traffic

TRAFFIC = Traffic(
    rows=12_345,
    since=datetime(2025, 1, 1),
    until=datetime(2026, 1, 1),
    users=range(1, 101),
    products=range(1, 51),
    rewards={"VIEW": Decimal("0.10"), "PURCHASE": Decimal("10.00"), "A_NEW_ONE": Decimal("3.00")},
    algorithms=["LINUCB"],
)


def everything(traffic: Traffic) -> list[list[object]]:
    return [row for number in range(traffic.batches) for row in traffic.interactions(number)]


def test_as_many_rows_as_wanted_within_the_span() -> None:
    rows = everything(TRAFFIC)
    assert len(rows) == 12_345
    assert min(row[4] for row in rows) >= "2025-01-01"
    assert max(row[4] for row in rows) <= "2026-01-01 00:00:00"
    assert {row[2] for row in rows} == {"VIEW", "PURCHASE", "A_NEW_ONE"}


def test_the_same_rows_for_the_same_seed_number() -> None:
    assert TRAFFIC.interactions(3) == replace(TRAFFIC).interactions(3)
    assert TRAFFIC.interactions(3) != replace(TRAFFIC, seed_number=2).interactions(3)


def test_it_grows_and_sleeps_at_night() -> None:
    times = [datetime.fromisoformat(str(row[4])) for row in everything(TRAFFIC)]
    assert sum(at.month > 6 for at in times) > 1.2 * sum(at.month <= 6 for at in times)
    assert sum(at.hour == 20 for at in times) > 5 * sum(at.hour == 3 for at in times)


@pytest.mark.parametrize("rows", [1, 499, 500, 501])
def test_small_amounts(rows: int) -> None:
    assert len(everything(replace(TRAFFIC, rows=rows))) == rows


def test_one_user_and_one_product_will_do() -> None:
    traffic = replace(TRAFFIC, rows=600, users=[7], products=[9])
    assert {(row[0], row[1]) for row in everything(traffic)} == {(7, 9)}
    assert len(traffic.features(0)) == 1


@pytest.mark.parametrize(
    ("months", "expected"),
    [(1, datetime(2026, 2, 28, 5)), (3, datetime(2025, 12, 31, 5)), (12, datetime(2025, 3, 31, 5))],
)
def test_months_before(months: int, expected: datetime) -> None:
    assert months_before(datetime(2026, 3, 31, 5), months) == expected
