"""The server's clock in a night when the clocks are changed: a maintenance window stays as long as it really is."""

from __future__ import annotations

from datetime import datetime

import pytest

from rlops import clock
from rlops.db import connect
from rlops.settings import Target

NIGHTS = {  # in Berlin: from, to, hours that really pass
    "spring": ("2026-03-29 01:30:00", "2026-03-29 04:00:00", 1.5),
    "autumn": ("2026-10-25 01:30:00", "2026-10-25 04:00:00", 3.5),
    "another": ("2026-11-25 01:30:00", "2026-11-25 04:00:00", 2.5),
}


@pytest.mark.parametrize("label", ["mysql-9.7", "mariadb-11.8"])
def test_a_window_in_the_night_of_a_clock_change(start_server, monkeypatch, label):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    server = start_server(label)
    monkeypatch.delenv("TZ")
    target = Target(host=None, port=None, socket=server.socket, user="root", sources={})
    with connect(target, program="test", need_schema=False) as db:
        for start, end, hours in NIGHTS.values():
            moments = (datetime.fromisoformat(start), datetime.fromisoformat(end))
            passed = {zone: clock.seconds_between(db, zone, *moments) for zone in ("server", "Europe/Berlin")}
            assert passed == dict.fromkeys(passed, hours * 3600), start
