"""How a chunk's size follows the time that a row costs."""

from __future__ import annotations

from itertools import pairwise

from rlops.pace import GROWTH, RECENT, Pace


def run(pace, cost, chunks, fixed=0.0):
    """Chunks that cost so many seconds a row, and `fixed` seconds each; the sizes that they had."""
    sizes = []
    for _ in range(chunks):
        sizes.append(pace.size)
        pace.took(pace.size, fixed + pace.size * cost)
    return sizes


def test_it_finds_the_target_and_stays_there():
    pace = Pace(target=0.25, size=100)
    run(pace, 0.0001, 20)
    assert pace.size == 2500
    assert run(pace, 0.0001, 5) == [2500] * 5


def test_growth_is_capped():
    pace = Pace(target=0.25, size=100)
    sizes = run(pace, 0.000001, 6)
    assert all(after <= before * GROWTH for before, after in pairwise(sizes))


def test_a_slow_chunk_shrinks_the_next_one_at_once():
    pace = Pace(target=0.25, size=2500)
    run(pace, 0.0001, RECENT)
    pace.took(2500, 2.5)
    assert pace.size == 160


def test_one_chunk_that_is_a_little_slow_changes_little():
    pace = Pace(target=0.25, size=2500)
    run(pace, 0.0001, RECENT)
    pace.took(2500, 0.4)
    assert pace.size > 1500


def test_the_slow_tenth_counts():
    pace = Pace(target=0.25, size=1000)
    for _ in range(RECENT):
        pace.took(1000, 0.1)
    for _ in range(2):
        pace.took(1000, 0.25)
    assert pace.size == 1000


def test_a_small_chunk_on_a_slow_server_grows_again():
    """Each statement takes its time there, whatever the rows: ten times the rows take little longer."""
    pace = Pace(target=0.3, size=10)
    run(pace, 0.00005, 40, fixed=0.15)
    assert pace.size > 1000
    assert 0.15 + pace.size * 0.00005 < 0.31


def test_one_slow_chunk_of_ten_is_no_reason():
    pace = Pace(target=0.3, size=1000)
    run(pace, 0.0001, RECENT - 1)
    grown = pace.size
    pace.took(grown, 0.55)
    assert pace.size >= grown


def test_it_is_halved_on_a_conflict_and_grows_back():
    pace = Pace(target=0.25, size=2500)
    run(pace, 0.0001, RECENT)
    pace.refused()
    assert pace.size == 1250
    run(pace, 0.0001, 5)
    assert pace.size == 2500


def test_it_keeps_within_its_bounds_and_takes_no_word_of_an_empty_chunk():
    pace = Pace(size=1000, least=10, most=5000)
    pace.took(0, 9.0)
    assert pace.size == 1000
    run(pace, 10.0, 3)
    assert pace.size == 10
    for _ in range(10):
        pace.refused()
    assert pace.size == 10
    run(pace, 0.0, 50)
    assert pace.size == 5000
