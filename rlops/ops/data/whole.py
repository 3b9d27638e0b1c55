"""Checks of a table as a whole, each a statement or two: active versions, models that are gone, ids left."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial

from rlops import facts, journal
from rlops.db import Database
from rlops.errors import Failed
from rlops.ops.data.tally import SAMPLES, shown
from rlops.ops.declared import MODELS
from rlops.sqlfiles import SqlFolder, quote
from rlops.structure import Finding, Table, read_table
from rlops.structure.model import literal
from rlops.words import counted

MODELS_SEEN = "models_seen"  # the recorded fact: ids of all models that a writing command has seen, as `1-12,15`
USED = 0.5  # share of an id's range above which the rest is called short
BITS = {"tiny": 8, "small": 16, "medium": 24, "": 32, "big": 64}


Check = Callable[[Database, SqlFolder], list[Finding]]


def checks(table: str) -> Iterator[tuple[str, str, Check]]:
    """The checks of one table: each its name, its object and itself."""
    yield "auto_increment", f"{table}.id", partial(headroom, table=table)
    if table == MODELS:
        yield "active_versions", f"{MODELS}.is_active", active_versions
        yield "vanished_model", MODELS, vanished_models


def active_versions(db: Database, sql: SqlFolder) -> list[Finding]:
    """Models with two active versions or more; names that are equal by the column's collation are one model."""
    found = db.rows(sql.statement("data/060_active_versions").sql)
    if not found:
        return []
    some = [
        f"{shown(row['model_name'])} ({row['versions']} active, ids {row['first_id']} to {row['last_id']})"
        for row in found[:SAMPLES]
    ]
    names = ", ".join(literal(row["model_name"]) for row in found[:SAMPLES])
    hint = (
        f"SELECT `id`, `model_name`, `version` FROM {quote(MODELS)} WHERE `is_active` AND `model_name` IN ({names})"
        " ORDER BY `model_name`, `id`"
    )
    actual = f"{counted(len(found), 'model')}{_such_as(found)} {', '.join(some)}"
    return [Finding("active_versions", f"{MODELS}.is_active", "one active version of a model", actual, hint)]


def headroom(db: Database, sql: SqlFolder, table: str) -> list[Finding]:
    """More than half of the ids used that the column's type has, by the highest id and the counter."""
    live = read_table(db, table)
    column = next((c for c in live.columns if c.name.lower() == "id"), None) if isinstance(live, Table) else None
    kind = re.match(r"(tiny|small|medium|big|)int", column.type.lower()) if column else None
    if not isinstance(live, Table) or column is None or kind is None:
        return []
    edge = db.row(sql.statement("data/010_id_range", {"table": table}).sql) or {}
    last = max(edge["last_id"] or 0, (live.auto_increment or 1) - 1)
    most = 2 ** (BITS[kind[1]] - (0 if "unsigned" in column.type.lower() else 1)) - 1
    if last <= most * USED:
        return []
    actual = f"{last:,} of {most:,} ({last / most:.0%}); the highest id is {edge['last_id'] or 0:,}"
    hint = f"SELECT MAX(`id`) FROM {quote(table)}"
    return [Finding("auto_increment", f"{table}.id", f"at most {USED:.0%} of {column.type} used", actual, hint)]


def recorded_models(db: Database) -> set[int] | None:
    """The ids of the models that the journal has seen; None where nothing is recorded that this account may read."""
    text = journal.recorded(db).get(MODELS_SEEN)
    return None if text is None else set(_unpack(text))


def remember_models(db: Database, sql: SqlFolder, created: Collection[str]) -> None:
    """Record the models that exist, beside those seen before; afresh where the table was just created or is gone.

    Raises ServerError when this account may not read the models or write rlops' own table.
    """
    if not facts.table_exists(db, MODELS):
        journal.forget(db, MODELS_SEEN)
        return
    before = set() if MODELS in created else recorded_models(db) or set()
    journal.record(db, MODELS_SEEN, _pack(before | set(_model_ids(db, sql))))


def vanished_models(db: Database, sql: SqlFolder) -> list[Finding]:
    """Models that the journal has seen and that are gone. Raises Failed when it has seen none."""
    recorded = recorded_models(db)
    if recorded is None:
        raise Failed("no run of rlops has recorded which models there were")
    gone = sorted(recorded - set(_model_ids(db, sql)))
    if not gone:
        return []
    hint = f"SELECT `id`, `model_name`, `version` FROM {quote(MODELS)} ORDER BY `id`"
    actual = f"{counted(len(gone), 'model')} gone{_such_as(gone)} {', '.join(f'id {each}' for each in gone[:SAMPLES])}"
    return [Finding("vanished_model", MODELS, f"{counted(len(recorded), 'model')} seen before", actual, hint)]


def _such_as(found: Sequence[object]) -> str:
    return ":" if len(found) <= SAMPLES else ", such as"


def _model_ids(db: Database, sql: SqlFolder) -> list[int]:
    return [row["id"] for row in db.rows(sql.statement("data/070_model_ids").sql)]


def _pack(ids: Iterable[int]) -> str:
    spans: list[list[int]] = []
    for each in sorted(ids):
        if spans and spans[-1][1] == each - 1:
            spans[-1][1] = each
        else:
            spans.append([each, each])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in spans)


def _unpack(text: str) -> Iterable[int]:
    for span in filter(None, text.split(",")):
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1)
