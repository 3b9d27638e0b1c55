"""What other tests begin with is what a first migrate leaves."""

from __future__ import annotations

import installed
import truth


def test_a_copied_installation_is_as_migrate_left_the_first(make_database):
    real, copy = make_database("installed_first"), make_database("installed_copy")
    real.cli("migrate", "--environment", "development")
    installed.repeat(copy, installed.learn(real))
    assert truth.tables(copy) == truth.tables(real)
    differ = {name for name in truth.tables(real) if truth.rows(copy, name) != truth.rows(real, name)}
    assert differ - {installed.LEASE} == {"rlops_state"}, "the installation's id alone is its own, and its lease's name"
    findings = [shop.cli("verify", "--output", "json", check=None).json["data"]["findings"] for shop in (real, copy)]
    assert findings[0] == findings[1]
    assert copy.cli("migrate", "--output", "json").json["steps"] == []
