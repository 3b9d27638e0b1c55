"""The steps between the two forms while the table's writers wait: for new tables, and for small ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rlops.db import Database
from rlops.ops import form
from rlops.ops.declared import Declared
from rlops.ops.partition import by_steps, integrity, months
from rlops.ops.partition.definer import Definer
from rlops.ops.partition.months import Months
from rlops.plan import Expect, Step
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import Table, normalise
from rlops.structure.model import literal
from rlops.words import counted


def record(sql: SqlFolder, fact: str, value: str) -> Step:
    """The step that records a fact of the interactions in rlops_state."""
    statement = sql.statement("partition/900_record", values={"fact": fact, "value": value})
    return Step(f"record {fact} = {value}", statement, records=True, repeatable=True)


def records(sql: SqlFolder, which: str, integrity_by: str, by: Definer | None) -> list[Step]:
    """The steps that record which form holds, and how integrity is kept in it."""
    facts = {form.FORM: which, form.INTEGRITY: integrity_by}
    if by:
        facts[form.DEFINER] = f"{by.account.user}@{by.account.host}"
    return [record(sql, fact, value) for fact, value in facts.items()]


def to_partitions(
    db: Database,
    sql: SqlFolder,
    each: Declared,
    table: Table,
    listed: Sequence[datetime],
    *,
    by_triggers: bool,
    fresh: bool = False,
) -> tuple[list[Step], tuple[str, ...]]:
    """The steps that partition the table, and what to know about them.

    Integrity is in place by triggers before the foreign keys go. `table` is the live one, or the declared one that is
    about to be created; `listed` are its months. With `fresh` its triggers are gone by then.
    """
    before: list[Step] = []
    by = None
    notes: tuple[str, ...] = ()
    if db.engine.can.keys_on_partitions:
        kept = form.FOREIGN_KEYS
    elif by_triggers:
        before, by = integrity.enabling(db, sql, each, fresh=fresh)
        kept, notes = form.TRIGGERS, (by.note(),)
    else:
        kept = form.NONE
        notes = ("--integrity none: nothing will refuse an interaction of an unknown user or product, and nothing will"
                 " delete a user's or product's interactions with it",)  # fmt: skip
    changed = alter(db, sql, table, listed, each.parents)
    return [*before, *changed, *records(sql, form.PARTITIONED, kept, by)], notes


def alter(db: Database, sql: SqlFolder, table: Table, listed: Sequence[datetime], parents: Sequence[str]) -> list[Step]:
    """The steps that take the table's foreign keys away and partition it."""
    wanted = sql.policy.partitions
    # Of the declared table: a run that died may have dropped the live one's.
    key = list(form.primary_key(form.partitioned(integrity.the_child(sql).table, sql, db.family)))
    parts = months.definitions(listed, months.catch_all(wanted))
    names = {"table": table.name, "key_columns": key, "column": wanted.column, "partitions": parts}
    expect = (Expect("partitions", table.name),)
    title = f"partition {table.name} into {len(listed)} months and a catch-all"
    if db.family == "oceanbase":
        widened = sql.statement("partition/230_widen_primary_key", names)
        by = sql.statement("partition/240_partition_by", names)
        first = (
            [] if list(form.primary_key(table)) == key else [Step(f"widen the primary key of {table.name}", widened)]
        )
        return [*first, Step(title, by, expect, touches=(table.name,))]
    names["changes"] = Keywords(tuple(f"DROP FOREIGN KEY {quote(each.name or '')}" for each in table.foreign_keys))
    touches = (table.name, *parents)
    if table.foreign_keys and db.family == "mysql":
        at_once = sql.statement("partition/200_partition_at_once", names)
        return [Step(f"drop the foreign keys and {title}", at_once, expect, touches=touches)]
    found = []
    if table.foreign_keys:
        dropped = sql.statement("partition/210_drop_foreign_keys", names)
        gone = tuple(Expect("foreign_key", table.name, each.name or "", present=False) for each in table.foreign_keys)
        found.append(Step(f"drop the foreign keys of {table.name}", dropped, gone, touches=touches))
    if db.family == "tidb":
        return [*found, *by_steps.to_months(db, sql, table, names, title)]
    return [*found, Step(title, sql.statement("partition/220_partition", names), expect, touches=(table.name,))]


def split(
    db: Database, sql: SqlFolder, table: str, found: Months, lacking: Sequence[datetime], *, touches: Sequence[str]
) -> Step:
    """The step that makes those months of the table's catch-all, which has next to no row."""
    assert found.catch_all
    parts = months.definitions(lacking, months.catch_all(sql.policy.partitions))
    names = {"table": table, "partition": found.catch_all.name, "partitions": parts}
    statement = sql.statement("partition/300_split_catch_all", names)
    title = f"add {counted(len(lacking), 'month')}, split off the catch-all of {table}"
    return Step(title, statement, (partition_exists(db, table, f"p{lacking[-1]:%Y%m}"),), touches=tuple(touches))


def partition_exists(db: Database, table: str, partition: str, *, present: bool = True) -> Expect:
    """The fact that the table has a partition of that name."""
    sql = (
        "SELECT COUNT(*) AS n FROM information_schema.PARTITIONS WHERE"
        f" TABLE_SCHEMA = {literal(db.schema)} AND TABLE_NAME = {literal(table)} AND PARTITION_NAME = {literal(partition)}"
    )
    return Expect("query", table, sql, present)


def to_foreign_keys(db: Database, sql: SqlFolder, each: Declared, table: Table) -> list[Step]:
    """The steps that take the partitions away and give the foreign keys back; the triggers go last."""
    steps = away(db, sql, each, table)
    return [
        *steps,
        *integrity.leaving(db, sql, table.name, *each.parents),
        *records(sql, form.FOREIGN_KEYS, form.FOREIGN_KEYS, None),
    ]


def away(db: Database, sql: SqlFolder, each: Declared, table: Table) -> list[Step]:
    """The steps that take this table's partitions away and give it the declared foreign keys."""
    wanted = normalise(each.table, db.family)
    steps: list[Step] = []
    if db.family == "tidb":
        steps += by_steps.back(db, sql, table, form.primary_key(wanted))
    elif table.partitioning:
        steps.append(unpartition(db, sql, each, table.name))
    have = {key.columns for key in normalise(table, db.family).foreign_keys}
    lacking = [number for number, key in enumerate(wanted.foreign_keys) if key.columns not in have]
    return [*steps, *(add_key(sql, table.name, number, each) for number in lacking)]


def unpartition(db: Database, sql: SqlFolder, each: Declared, name: str) -> Step:
    """The step that takes that table's partitions away."""
    names = {"table": name, "key_columns": list(form.primary_key(normalise(each.table, db.family)))}
    gone = (Expect("partitions", name, present=False),)
    statement = sql.statement("partition/250_remove_partitions", names)
    return Step(f"take the partitions of {name} away", statement, gone, touches=(name,))


def add_key(sql: SqlFolder, table: str, number: int, each: Declared) -> Step:
    """The step that gives the table a declared foreign key, checking every row of it."""
    key = each.table.foreign_keys[number]
    statement = sql.statement("partition/260_add_foreign_key", {"table": table, "changes": Keywords((key.sql,))})
    expect = (Expect("foreign_key", table, key.name or ""),)
    return Step(
        f"add the foreign key {key.name}, which checks every row", statement, expect, touches=(table, key.ref_table)
    )
