"""Where the triggers of the interactions, and rlops' own on their parents, aren't as the live form wants them."""

from __future__ import annotations

from collections.abc import Iterator

from rlops import journal
from rlops.db import Database
from rlops.ops import form
from rlops.ops.declared import Declared
from rlops.ops.partition import definer
from rlops.ops.partition.integrity import CHANGE, KEPT, REVERSE, live, specs, the_child
from rlops.sqlfiles import SqlFolder
from rlops.structure import Finding, Trigger, read_table, read_triggers

ABSENT = "absent"


def findings(db: Database, sql: SqlFolder) -> tuple[list[Finding], list[str]]:
    """Where the triggers of the interactions and rlops' triggers on their parents aren't as the live form wants them.

    Raises Denied where this account may not see any.
    """
    each = the_child(sql)
    known = form.recorded(db)
    partitioned = _is_partitioned(db, each) and not db.engine.can.keys_on_partitions
    tables = (each.table.name, *each.parents)
    there = live(db, tables)
    on_child = {trigger.name: trigger for trigger in read_triggers(db, each.table.name)}
    wanted: dict[str, Trigger] = {}
    notes: list[str] = []
    if partitioned and known.integrity == form.NONE:
        notes.append(
            "integrity was given up (--integrity none): nothing refuses an interaction of an unknown user or product"
        )
    elif partitioned:
        by = definer.recorded(db) or definer.choose(db, tables)
        wanted = {spec.name: spec.expected(by.account) for spec in specs(sql, each, by)}
    state = journal.recorded(db)
    if CHANGE in state:  # its triggers come and go
        return [], [*notes, "a change of form is under way, so triggers were not compared: `rlops partition status`"]
    there |= on_child
    if KEPT in state:
        there = {name: trigger for name, trigger in there.items() if not name.startswith(REVERSE)}
    return list(_compare(wanted, there)), notes


def lost(db: Database, sql: SqlFolder) -> list[str]:
    """The integrity triggers that aren't there as they should be. Raises Denied where this account may not see any."""
    found, _ = findings(db, sql)
    return [each.object.partition(".")[2] for each in found if each.expected != ABSENT]


def _is_partitioned(db: Database, each: Declared) -> bool:
    return form.live_form(read_table(db, each.table.name)) == form.PARTITIONED


def _compare(wanted: dict[str, Trigger], there: dict[str, Trigger]) -> Iterator[Finding]:
    for name in sorted(wanted.keys() | there.keys()):
        expected, actual = wanted.get(name), there.get(name)
        if _same(expected) == _same(actual):
            continue
        table = (expected or actual).table  # type: ignore[union-attr]
        hint = definer.MEND if expected else f"DROP TRIGGER `{name}`"
        yield Finding("trigger", f"{table}.{name}", _shown(expected), _shown(actual), hint)


def _same(trigger: Trigger | None) -> str:
    return " ".join(_shown(trigger).split())


def _shown(trigger: Trigger | None) -> str:
    if trigger is None:
        return ABSENT
    return f"{trigger.timing} {trigger.event} on {trigger.table} by {trigger.definer}: {trigger.action}"
