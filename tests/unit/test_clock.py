"""Maintenance windows, by the server's clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rlops.clock import closing
from rlops.errors import Refused, Usage


@pytest.mark.parametrize(
    ("window", "now", "minutes"),
    [
        ("02:00-04:00", "02:00", 120),
        ("02:00-04:00", "03:59", 1),
        ("22:30-04:00", "23:00", 300),
        ("22:30-04:00", "01:00", 180),
        ("00:00-00:00", "12:00", 720),
    ],
)
def test_inside(window, now, minutes):
    start = datetime.fromisoformat(f"2026-03-31T{now}")
    assert closing(window, start) == start + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("window", "now"), [("02:00-04:00", "01:59"), ("02:00-04:00", "04:00"), ("22:30-04:00", "12:00")]
)
def test_outside(window, now):
    with pytest.raises(Refused, match="closed"):
        closing(window, datetime.fromisoformat(f"2026-03-31T{now}"))


@pytest.mark.parametrize("window", ["", "2-4", "02:00", "25:00-26:00", "02:00-04:00 "])
def test_not_a_window(window):
    with pytest.raises(Usage, match="--window"):
        closing(window, datetime.fromisoformat("2026-03-31T00:00"))
