"""A page of rows counts only when it is what the server has hashed."""

from __future__ import annotations

import hashlib

import pytest

from rlops.archive import sums
from rlops.archive.rows import Packed, read
from rlops.structure import parse_create_table

COLUMNS = parse_create_table(
    "CREATE TABLE t (id BIGINT NOT NULL, price DECIMAL(10,2) ZEROFILL, at DATETIME(3), made YEAR, raw VARBINARY(9), note TEXT)"
).columns
LINES = (
    '1,0.10,2024-02-29 23:59:59.120,2024,00FF,"say ""N"", or\n\\N"',
    "2,N,N,N,N,N",
    '-3,-1.00,1000-01-01 00:00:00.000,1901,,"N"',
)


def packed(*lines: str) -> Packed:
    data = "\n".join(lines).encode()
    return Packed(len(lines), data, hashlib.sha256(data).hexdigest())


def test_rows_become_the_lines_again_that_they_came_from():
    page = read(packed(*LINES), COLUMNS)
    assert page is not None
    assert sums.packed(page.batch, COLUMNS) == "\n".join(LINES).encode()
    assert (page.sum.rows, page.sum.min_id, page.sum.max_id) == (3, -3, 2)
    assert page.batch.column("note").to_pylist() == ['say "N", or\n\\N', None, "N"]


def test_no_rows_are_a_page_too():
    page = read(Packed(0, b"", None), COLUMNS)
    assert page is not None
    assert page.sum.rows == 0


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('1,0.1,2024-02-29 00:00:00.000,2024,00,"a"', "another text of the same number"),
        ('1,0.10,2024-02-29 00:00:00.000,2024,0a,"a"', "another text of the same bytes"),
        ('1,0.10,2024-02-30 00:00:00.000,2024,00,"a"', "no day of any month"),
        ('1,0.10,2024-02-29 00:00:00.000,2024,00,"a', "cut short"),
        ('1,0.10,2024-02-29 00:00:00.000,2024,00,"a"\n', "an empty line"),
        ("1,0.10,2024-02-29 00:00:00.000,2024,00", "a value less"),
    ],
)
def test_what_would_not_give_the_same_line_is_none(line: str, why: str):
    assert read(packed(LINES[0], line), COLUMNS) is None, why


def test_other_rows_than_the_server_has_hashed_or_counted_are_none():
    whole = packed(*LINES)
    assert (
        read(Packed(whole.rows, packed(*LINES[:2], LINES[2].replace('"N"', '"M"')).data, whole.sha256), COLUMNS) is None
    )
    assert read(Packed(4, whole.data, whole.sha256), COLUMNS) is None
    assert read(Packed(3, b"", whole.sha256), COLUMNS) is None
