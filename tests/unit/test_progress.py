"""What long work shows on stderr: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from rlops.events import Doing, Progress, StepEnded, StepStarted, Waiting
from rlops.render.progress import PLAIN_EVERY
from rlops.render.progress import Progress as Drawn


def drawn(*events, terminal=False):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=200, markup=False, highlight=False)
    with Drawn(console, bars=terminal) as progress:
        for event in events:
            progress.draw(event)
        progress.rich.refresh()
    return stream.getvalue()


def test_a_plain_line_has_rate_rest_chunk_and_lag():
    shown = drawn(Progress("delete", 20_000, 100_000, 800.0, 0.254, 2.0))
    assert shown == "delete: 20,000 of about 100,000 rows, 800 rows/s, ~1:40 to go, chunk 0.25 s, lag 2 s\n"


@pytest.mark.parametrize(
    ("total", "rate", "said"),
    [(None, 500.0, ""), (2000, 0.0, ""), (1900, 500.0, "~0:02 to go"), (10_000_900, 500.0, "~5 h 33 min to go")],
)
def test_what_is_to_go_is_said_where_it_can_be_known(total, rate, said):
    shown = drawn(Progress("delete", 900, total, rate, 0.3))
    assert ("to go" in shown) is bool(said)
    assert said in shown


def test_a_wait_is_said_though_progress_was_shown_a_moment_ago(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("rlops.render.progress.time.monotonic", lambda: clock[0])
    step = Progress("delete", 1, 2, 1.0)
    assert drawn(step, Waiting("the replica lags"), step, Waiting("the replica lags")).count("\n") == 2
    stream = io.StringIO()
    with Drawn(Console(file=stream, width=200), bars=False) as progress:
        for _ in range(3):
            progress.draw(Waiting("so"))
            clock[0] += PLAIN_EVERY
    assert stream.getvalue() == "waiting: so\n" * 3


def test_a_bar_says_why_it_waits_and_takes_no_name_for_markup():
    shown = drawn(
        StepStarted(1, 1, "drop [p202401]"),
        Progress("drop [p202401]", 10, 100, 5.0, 0.2, 0.0),
        Waiting("[r1] is 9 s behind"),
        terminal=True,
    )
    for part in ("drop [p202401]", "10/100", "5 rows/s", "chunk 0.20 s", "lag 0 s", "waiting: [r1] is 9 s behind"):
        assert part in shown


def test_a_long_chunk_says_what_it_is_at(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("rlops.render.progress.time.monotonic", lambda: clock[0])
    stream = io.StringIO()
    with Drawn(Console(file=stream, width=200), bars=False) as progress:
        progress.draw(StepStarted(1, 1, "archive 2024-01"))
        for rows in (0, 120_000, 130_000):
            progress.draw(Doing("exporting 2024-01 part 1", rows, 500_000))
            clock[0] += PLAIN_EVERY
        progress.draw(Doing("reading back 2024-01 part 2", 7, None))
    assert stream.getvalue().splitlines() == [
        "exporting 2024-01 part 1: 120,000 of about 500,000 rows",
        "exporting 2024-01 part 1: 130,000 of about 500,000 rows",
        "reading back 2024-01 part 2: 7 rows",
    ]
    shown = drawn(StepStarted(1, 1, "archive"), Doing("exporting [x]", 5, 10), terminal=True)
    assert "exporting [x]: 5 of about 10 rows" in shown


def test_a_steps_end_is_a_line_off_a_terminal():
    assert "[1/2] delete: stopped (1.50 s)" in drawn(StepEnded(1, 2, "delete", "stopped", 1.5))
