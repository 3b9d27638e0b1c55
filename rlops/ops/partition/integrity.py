"""Referential integrity by triggers: one set for each declared foreign key, with its actions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rlops import privileges
from rlops.db import Database
from rlops.errors import Denied, Refused
from rlops.holdings import Account
from rlops.ops import declared, form
from rlops.ops.declared import INTERACTIONS, Declared
from rlops.ops.partition import definer
from rlops.ops.partition.definer import CHILD, PARENT, Definer
from rlops.plan import Expect, Step
from rlops.sqlfiles import Keywords, SqlFolder, Statement, quote
from rlops.structure import ForeignKey, Trigger, read_triggers

PREFIX = "rlops_"
CAPTURE: Literal["rlops_capture_"] = "rlops_capture_"  # the triggers of a change that is under way
REVERSE: Literal["rlops_reverse_"] = "rlops_reverse_"  # those that keep the old table equal after it
CHANGE = "interactions_change"  # in rlops_state: the direction and the phase of a change that is under way
KEPT = "interactions_kept"  # in rlops_state: the direction of the change whose old table is kept as a way back
NAME_LIMIT = 64  # characters of a trigger's name
_DELETE = {"CASCADE": "130_parent_delete_cascade", "NO ACTION": "131_parent_delete_refuse"}
_KEY = {"NO ACTION": "140_parent_key_refuse", "CASCADE": "141_parent_key_cascade"}
_CREATE = re.compile(
    r"CREATE DEFINER = (?P<definer>.+?) TRIGGER `(?P<name>(?:[^`]|``)+)`\s+(?P<timing>BEFORE|AFTER)\s+(?P<event>\w+)\s+ON"
    r"\s+`(?P<table>(?:[^`]|``)+)`\s+FOR EACH ROW\s+(?P<action>.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Spec:
    """One trigger that should be: its name, the table that it is on, and the statement that creates it.

    A `lenient` one repeats a row as it is, whatever the sql_mode was that it was written with.
    """

    name: str
    table: str
    statement: Statement
    lenient: bool = False

    def create(self, *touches: str) -> Step:
        """The step that creates it."""
        return Step(
            f"create the trigger {self.name} on {self.table}", self.statement,
            (Expect("trigger", self.table, self.name),), touches=(self.table, *touches), lenient=self.lenient,
        )  # fmt: skip

    def drop(self, sql: SqlFolder) -> Step:
        """The step that drops it."""
        return drop(sql, self.name, self.table)

    def expected(self, account: Account) -> Trigger:
        """As information_schema would show it."""
        found = _CREATE.match(self.statement.sql)
        assert found, self.statement.sql
        shown = f"{account.user}@{account.host}"
        return Trigger(self.name, self.table, found["timing"], found["event"], shown, found["action"].strip())


def drop(sql: SqlFolder, name: str, table: str) -> Step:
    """The step that drops the trigger of that name, which is on that table."""
    statement = sql.statement("partition/150_drop_trigger", {"trigger": name})
    expect = (Expect("trigger", table, name, present=False),)
    return Step(f"drop the trigger {name} of {table}", statement, expect, touches=(table,))


def specs(sql: SqlFolder, each: Declared, by: Definer, *, on: str | None = None, prefix: str = PREFIX) -> list[Spec]:
    """The triggers in place of the table's declared foreign keys, the child's first.

    `on` is the table that carries the child's triggers, where that isn't yet the one of the declared name.
    Raises Refused for a foreign key that triggers can't stand in for.
    """
    child = each.table.name
    found = []
    for key in each.table.foreign_keys:
        _refuse_unsupported(key)
        column, parent = key.columns[0], key.ref_table
        names = {
            "definer": by.sql, "column": column, "parent": parent, "parent_key": key.ref_columns[0],
            "index": form.index_along(each.table, column), "when": Keywords(("AFTER",)),
            "condition": Keywords((f"NEW.{quote(column)} IS NOT NULL" if _takes_null(each, column) else "TRUE",)),
        }  # fmt: skip
        wanted = (
            ("insert", "110_child_insert", on or child), ("update", "120_child_update", on or child),
            ("delete", _DELETE[key.on_delete], parent), ("key", _KEY[key.on_update], parent),
        )  # fmt: skip
        for event, file, table in wanted:
            name = f"{prefix}{column}_{event}"[:NAME_LIMIT]
            acts_on = table if event in ("insert", "update") else child
            statement = sql.statement(f"partition/{file}", {**names, "trigger": name, "table": acts_on})
            found.append(Spec(name, table, statement))
    return sorted(found, key=lambda spec: spec.table != (on or child))


def _takes_null(each: Declared, column: str) -> bool:
    return any(found.name == column and found.null for found in each.table.columns)


def deputies(sql: SqlFolder, by: Definer, on: str, prefix: str) -> list[Spec]:
    """The child's triggers on a second table, while those on the first have their names, which are the schema's."""
    return [spec for spec in specs(sql, the_child(sql), by, on=on, prefix=prefix) if spec.table == on]


def relieve(db: Database, sql: SqlFolder, by: Definer, prefix: str, *, left: str, swapped: bool) -> list[Step]:
    """Once the tables have changed places: the child's triggers get the names of those on the one `left`, the deputies go.

    `swapped` says that they have, so that what is done already can be seen.
    """
    own = deputies(sql, by, INTERACTIONS, PREFIX)
    names = missing(db, own) if swapped else own
    if names:
        definer.refuse_unusable(db, by)
    steps = [step for spec in names for step in (drop(sql, spec.name, left), spec.create())]
    return [*steps, *(spec.drop(sql) for spec in deputies(sql, by, INTERACTIONS, prefix))]


def _refuse_unsupported(key: ForeignKey) -> None:
    if len(key.columns) != 1 or key.ref_schema or key.on_delete not in _DELETE or key.on_update not in _KEY:
        raise Refused(
            f"triggers can't stand in for the foreign key {key.target} {key.actions}; nothing was changed",
            "They can for one column that refers to a table of the same schema, with CASCADE or NO ACTION.", "unsupported_key",
        )  # fmt: skip


def grants(each: Declared, *more: str) -> dict[str, tuple[str, ...]]:
    """What the definer needs: on the child (and `more` tables of its shape), and on each parent."""
    return dict.fromkeys((each.table.name, *more), CHILD) | dict.fromkeys(each.parents, PARENT)


def the_child(sql: SqlFolder) -> Declared:
    """The declared interactions."""
    return next(each for each in declared.tables(sql) if each.table.name == INTERACTIONS)


def live(db: Database, tables: Iterable[str]) -> dict[str, Trigger]:
    """rlops' own triggers on these tables, by name. Raises Denied where this account may not see any."""
    found = [trigger for table in dict.fromkeys(tables) for trigger in read_triggers(db, table)]
    for hidden in (trigger for trigger in found if trigger.definer is None):  # what MariaDB shows without TRIGGER
        hint = f"GRANT TRIGGER ON {quote(db.schema)}.{quote(hidden.table)} to the account."
        raise Denied(f"the account may see of {hidden.name} on {hidden.table} no more than its name", hint)
    return {trigger.name: trigger for trigger in found if trigger.name.startswith(PREFIX)}


def guarding(db: Database) -> list[str]:
    """Those on the interactions that keep their integrity. Raises Denied where this account may not see any."""
    return [name for name in live(db, (INTERACTIONS,)) if not name.startswith((CAPTURE, REVERSE))]


def missing(db: Database, wanted: Sequence[Spec]) -> list[Spec]:
    """Those that aren't there. Raises Denied where this account may not see any."""
    there = live(db, (spec.table for spec in wanted))
    return [spec for spec in wanted if spec.name not in there]


def unlike(db: Database, wanted: Sequence[Spec], by: Definer) -> list[Spec]:
    """Those that aren't there as they should be, whoever they run as. Raises Denied where this account may not see any."""
    return _unlike(live(db, (spec.table for spec in wanted)), wanted, by)


def _unlike(there: Mapping[str, Trigger], wanted: Sequence[Spec], by: Definer) -> list[Spec]:
    return [spec for spec in wanted if _does(there.get(spec.name)) != _does(spec.expected(by.account))]


def create(db: Database, wanted: Sequence[Spec], by: Definer) -> list[Step]:
    """The steps that create those that aren't there. Raises Refused where this operator may not make them run as that account."""
    found = missing(db, wanted)
    if found:
        definer.refuse_unusable(db, by)
    return [spec.create() for spec in found]


def leaving(db: Database, sql: SqlFolder, *tables: str) -> list[Step]:
    """The steps that drop rlops' triggers from these tables."""
    if db.engine.can.keys_on_partitions:
        return []
    return [drop(sql, name, trigger.table) for name, trigger in live(db, tables).items()]


def refuse_unguarded(db: Database) -> None:
    """Refuse where there are no triggers, or their look at a parent holds nobody of another node back."""
    if not db.engine.can.triggers:
        raise Refused(
            f"{db.engine} has no triggers, and a partitioned table no foreign keys there. Nothing was changed",
            "Stay with foreign keys, or say --integrity none.", "no_triggers",
        )  # fmt: skip
    if not db.engine.can.locks_hold_all:
        raise Refused(
            f"on a {db.engine.cluster} writers of other nodes see no lock of a trigger's, so an interaction could be inserted"
            " beside the deletion of its user. Nothing was changed",
            "Stay with foreign keys, which the cluster certifies, or say --integrity none.", "locks_of_one_node",
        )  # fmt: skip


def refuse_untrusted(db: Database) -> None:
    """Refuse where the server would take no trigger from this account (1419), before anything is changed."""
    names = "('log_bin', 'log_bin_trust_function_creators')"
    rows = {
        row["Variable_name"]: row["Value"] for row in db.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN {names}")
    }
    if (
        rows.get("log_bin") == "ON"
        and rows.get("log_bin_trust_function_creators") == "OFF"
        and not privileges.own(db).has("SUPER")
    ):
        raise Refused(
            "the binary log is on, and this account has no SUPER: the server would take no trigger from it (1419). Nothing was changed",
            "An administrator runs SET GLOBAL log_bin_trust_function_creators = ON, or gives the account SUPER.", "binlog_triggers",
        )  # fmt: skip


def enabling(
    db: Database,
    sql: SqlFolder,
    each: Declared,
    *,
    on: str | None = None,
    fresh: bool = False,
    also: Sequence[str] = (),
) -> tuple[list[Step], Definer]:
    """The steps that put integrity by triggers in place beside the foreign keys, and who they run as.

    A dump that was reloaded elsewhere has brought the triggers and none of that account's rights.
    With `fresh` those that are there now will be gone by then. `also` are tables that they write to besides.
    Raises Refused where the server would take none (1419), or the account lacks what it may not be given.
    """
    refuse_unguarded(db)
    refuse_untrusted(db)
    by = definer.choose(db, (each.table.name, *each.parents))
    every = specs(sql, each, by, on=on)
    there = {} if fresh else live(db, (spec.table for spec in every))
    wanted = _unlike(there, every, by)
    if wanted:
        definer.refuse_unusable(db, by)
    steps = [step for spec in wanted for step in ([spec.drop(sql)] if spec.name in there else []) + [spec.create()]]
    return [*definer.steps(db, sql, by, grants(each, *also)), *steps], by


def _does(trigger: Trigger | None) -> str:
    return " ".join(f"{trigger.timing} {trigger.event} {trigger.table} {trigger.action}".split()) if trigger else ""
