"""policy.toml is checked when it is loaded, with file and line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rlops import policy, sqlfiles
from rlops.errors import Usage

OWN = sqlfiles.default_root() / "policy.toml"


def test_the_policy_that_comes_with_rlops():
    loaded = policy.load(OWN)
    assert loaded.retention.interactions_months == 12
    assert loaded.rewards["REMOVE_CART"] == Decimal("-1.00")
    assert loaded.grants.privileges == ("SELECT", "INSERT", "UPDATE", "DELETE")


BROKEN = {
    "unknown key": ("schema_version", "shema_version", "shema_version is not a key"),
    "wrong type": ("rows_per_day = 500_000", 'rows_per_day = "many"', "growth.rows_per_day must be of type int"),
    "boolean number": ("rows_per_day = 500_000", "rows_per_day = true", "must be of type int"),
    "no months": ("interactions_months = 12", "interactions_months = 0", "must be at least 1"),
    "erased share": ("max_erase_share = 0.1", "max_erase_share = 0", "above 0"),
    "share": ("max_share_per_run = 0.25", "max_share_per_run = 1.5", "above 0"),
    "journal": ("keep_days = 1095 ", "keep_days = -5 ", "journal.keep_days must be at least 1"),
    "hold": ("hold_days = 7", "hold_days = -7", "partitions.hold_days must be at least 0"),
    "nan": ("chunk_seconds = 0.3", "chunk_seconds = nan", "throttle.chunk_seconds must be a finite number"),
    "infinite": ("orphans = [1, 1_000]", "orphans = [1, inf]", "thresholds.orphans must be a finite number"),
    "infinite reward": ('VIEW = "0.10"', 'VIEW = "inf"', "must be a decimal number"),
    "zone": ('writers_time_zone = "server"', 'writers_time_zone = "Mars/Base"', "'Mars/Base' is not a time zone"),
    "reward": ('VIEW = "0.10"', 'VIEW = "much"', "must be a decimal number"),
    "privilege": ('"DELETE"]', '"delete; drop"]', "is not a privilege's name"),
    "not toml": ("[rewards]", "[rewards", "line"),
    "missing": ("[models]\n", "[model]\n", "model is not a key"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_policy_is_refused(tmp_path, case):
    before, after, problem = BROKEN[case]
    text = OWN.read_text()
    assert before in text
    path = tmp_path / "policy.toml"
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(Usage) as refused:
        policy.load(path)
    assert problem in refused.value.message
    assert str(path) in refused.value.message


def test_the_line_is_named(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(OWN.read_text().replace("max_age_days = 90", "max_age_days = false"))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if text.startswith("max_age_days"))
    with pytest.raises(Usage, match=rf"policy\.toml:{line}: backups\.max_age_days"):
        policy.load(path)


def test_of_two_keys_of_one_name_the_line_is_that_of_the_right_one(tmp_path):
    path = tmp_path / "policy.toml"
    head, section, rest = OWN.read_text().partition("[monitor]")
    path.write_text(head + section + rest.replace("keep_days = 1095", "keep_days = 0"))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if text.startswith("keep_days = 0"))
    with pytest.raises(Usage, match=rf"policy\.toml:{line}: monitor\.keep_days"):
        policy.load(path)
