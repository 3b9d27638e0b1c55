"""Which tables a replica repeats, by the filters in its status: the first rule that matches decides, as the manuals say."""

from __future__ import annotations

import pytest

from rlops.replicas import FILTERS, takes

DO, IGNORE, WILD_DO, WILD_IGNORE = FILTERS


@pytest.mark.parametrize(
    ("filters", "taken"),
    [
        ({}, True),
        ({DO: "", WILD_IGNORE: None}, True),
        ({DO: "shop.a"}, True),
        ({DO: "shop.b,shop.a"}, True),
        ({DO: "shop.b"}, False),
        ({DO: "elsewhere.a"}, False),
        ({IGNORE: "shop.a"}, False),
        ({IGNORE: "shop.b"}, True),
        ({DO: "shop.a", IGNORE: "shop.a"}, True),
        ({WILD_DO: "shop.%"}, True),
        ({WILD_DO: "shop.b%"}, False),
        ({WILD_DO: r"sh\_p.a"}, False),
        ({WILD_DO: "sh_p._"}, True),
        ({WILD_IGNORE: "%.a"}, False),
        ({WILD_DO: "shop.%", WILD_IGNORE: "shop.a"}, True),
        ({IGNORE: "shop.a", WILD_DO: "shop.%"}, False),
        ({DO: "shop.b", WILD_DO: "shop.a"}, True),
        ({DO: "shop.b", WILD_IGNORE: "shop.c%"}, False),
    ],
)
def test_the_first_rule_that_matches_decides(filters, taken):
    assert takes(filters, "shop", "a") is taken
