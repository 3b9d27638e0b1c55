"""Bring months back from cold storage, into a table of their own or into the live one, and hold retention for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Literal

from rlops.archive import parts
from rlops.archive import place as places
from rlops.archive.parts import Part
from rlops.archive.restoring import Restoring
from rlops.db import Database
from rlops.errors import Exit, Refused, Usage
from rlops.ops import longrun
from rlops.ops.archive import table
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition import hold, integrity
from rlops.plan import Answer, Expect, Order, Plan, Step, StepResult
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import Table, read_table
from rlops.words import counted

KIND = "archive restore"
MARK = "__restored_"
NAME_LIMIT = 64  # characters of a table's name
READY = (parts.VERIFIED, parts.DELETING, parts.DONE)
Into = Literal["staging", "live"]


def month_of(text: str) -> date:
    """`2025-03` as its first day. Raises Usage for anything else."""
    try:
        year, month = text.split("-")
        return date(int(year), int(month), 1)
    except ValueError as error:
        raise Usage(f"{text!r} is not a month such as 2025-03") from error


def span(months: Sequence[date]) -> str:
    """Months as a staging table's name has them: each of them, or of many the first, the last and a hash of all."""
    each = [f"{month:%Y%m}" for month in months]
    if len(text := "_".join(each)) <= NAME_LIMIT - len(INTERACTIONS + MARK):
        return text
    return f"{each[0]}_{each[-1]}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def plan(db: Database, sql: SqlFolder, months: Sequence[str], into: Into, *, to: str | None, release: bool) -> Plan:
    """Plan the way back of some months, or with `release` that retention takes them again.

    Raises Refused when the archive is missing, or has no part of a month, or none that is finished.
    """
    wanted = sorted({month_of(text) for text in months})
    found = [part for part in parts.all_parts(db) if part.month in wanted]
    names = [f"{month:%Y-%m}" for month in wanted]
    again = f"rlops archive restore {' '.join(names)}"
    _refuse_missing(wanted, found, "part")
    if release:
        statement = sql.statement("archive/095_release", values={"months": wanted})
        steps = (
            (Step(f"lift the hold of {', '.join(names)}", statement, records=True),)
            if any(part.held for part in found)
            else ()
        )
        return Plan(
            "archive restore",
            steps,
            {"months": names, "into": None, "released": bool(steps)},
            again=again + " --release",
        )
    _refuse_missing(wanted, [part for part in found if part.state in READY], "finished part")
    return _restore(db, sql, found, wanted, into, to=to, again=f"{again} --to-table {into}")


def _refuse_missing(wanted: Sequence[date], found: Sequence[Part], what: str) -> None:
    there = {part.month for part in found}
    if missing := [f"{month:%Y-%m}" for month in wanted if month not in there]:
        raise Refused(
            f"the archive has no {what} of {', '.join(missing)}. Nothing was changed", "`rlops archive list` shows what it has.",
            "no_part",
        )  # fmt: skip


def _restore(
    db: Database,
    sql: SqlFolder,
    found: Sequence[Part],
    months: Sequence[date],
    into: Into,
    *,
    to: str | None,
    again: str,
) -> Plan:
    where = places.find(db, to)
    if where is None:
        raise Refused(f"{db.schema} has no archive on record. Nothing was changed", "", "no_destination")
    ready = [part for part in found if part.state in READY]
    columns = table.columns(db)
    name = INTERACTIONS if into == "live" else f"{INTERACTIONS}{MARK}{span(months)}"
    there = read_table(db, name) if into == "staging" else None
    if isinstance(there, Table):
        columns = there.columns
    order = Order(
        KIND,
        again,
        sql.policy.fingerprint("writers_time_zone"),
        {"parts": [part.id for part in ready]},
        f"{into} {span(months)}",
    )
    total = sum(part.sum.rows for part in ready)
    keys = integrity.the_child(sql).table.foreign_keys if into == "live" else ()
    work = Restoring(sql, where.store, ready, name, columns, keys, total)
    if lacking := work.without_value():
        model = INTERACTIONS if there is None else name
        defaults = ", ".join(f"ALTER COLUMN {quote(each)} SET DEFAULT …" for each in lacking)
        raise Refused(
            f"the archive has no value for {', '.join(lacking)}, which {model} wants one for: NOT NULL, and no default."
            " Nothing was changed", f"Say what these rows are to have there: ALTER TABLE {model} {defaults}", "no_value",
        )  # fmt: skip
    outline = sql.file("archive/070_insert_rows").outline(
        {
            "table": name,
            "columns": [c.name for c in columns],
            "rows": Keywords((f"({', '.join('…' for _ in columns)})",)),
        },
        {},
    )
    steps: tuple[Step, ...] = (Step(f"put {counted(total, 'row')} into {name}", outline, work=work, job=order),)
    left_out = work.left_out()
    if into == "staging" and there is None:
        create = sql.statement("archive/080_create_staging", {"table": name})
        steps = (Step(f"create {name}", create, (Expect("table", name),)), *steps)
    if into == "live":
        hold.refuse_unfinished(db, "a restore into the live table")
        holding = sql.statement("archive/090_hold", values={"months": list(months)})
        steps = (
            Step(f"hold {', '.join(f'{month:%Y-%m}' for month in months)} back from retention", holding, records=True),
            *steps,
        )
    return Plan(
        "archive restore", steps,
        {
            "months": [f"{month:%Y-%m}" for month in months], "into": name, "released": False, "restored_rows": 0,
            "left_out_columns": left_out, "unfinished_parts": len(found) - len(ready),
        },
        (
            f"{counted(total, 'row')} of {counted(len(ready), 'part')} go into {name}", *_without(left_out, name),
            *_unfinished(len(found) - len(ready)),
        ),
        again=again, account=lambda results: _account(work, results),
    )  # fmt: skip


def _without(columns: Sequence[str], name: str) -> tuple[str, ...]:
    if not columns:
        return ()
    until = " until retention takes the rows again, and archives them as they are then" if name == INTERACTIONS else ""
    return (f"left out: {', '.join(columns)}, which {name} doesn't have; the archive keeps their values{until}",)


def _unfinished(number: int) -> tuple[str, ...]:
    if not number:
        return ()
    return (f"left out: {counted(number, 'part')} not finished; what is to be in one is in {INTERACTIONS} yet",)


def _account(work: Restoring, results: Sequence[StepResult]) -> dict[str, object]:
    known = longrun.account(results)
    return {
        "restored_rows": known["deleted_rows"], "already_there": work.counts["already_there"],
        "conflicts": work.counts["conflicts"], "conflicting_ids": work.conflicts,
        "without_parent": work.counts["without_parent"],
        "changed": work.counts["otherwise"], "changed_ids": work.otherwise, "job": known["job"], "resumed": known["resumed"],
    }  # fmt: skip


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Say what came back, and what didn't and why."""
    del db, sql
    data = answer.data
    months = ", ".join(data["months"])
    if data["into"] is None:
        return replace(
            answer,
            headline=f"Retention takes {months} again." if data["released"] else f"{months}: nothing is held back.",
        )
    notes = [*answer.notes, *_without(data["left_out_columns"], data["into"]), *_unfinished(data["unfinished_parts"])]
    if data.get("conflicts"):
        notes.append(
            f"there with other values, and left as they are: {counted(data['conflicts'], 'row')}, {data['conflicting_ids']}"
        )
    if data.get("changed"):
        notes.append(
            f"came back with other values than the archive's: {counted(data['changed'], 'row')}, {data['changed_ids']}. A trigger,"
            " a narrower column, or a decimal number inside of JSON written by SQL does that; the archive has them as they were,"
            " until retention takes them again"
        )
    if data.get("without_parent"):
        notes.append(f"left out, since their user or product is gone: {counted(data['without_parent'], 'row')}")
    live = data["into"] == INTERACTIONS
    following = (
        f"rlops archive restore {' '.join(data['months'])} --release, once retention may have them again"
        if live
        else ""
    )
    before = data.get("already_there", 0)
    there = data["restored_rows"] + before
    headline = f"{counted(there, 'row')} of {months} {'is' if there == 1 else 'are'} in {data['into']}"
    headline += f", {before:,} of them from before" if before else ""
    headline += "; retention holds them until you release them." if live else "."
    odd = any(data.get(name) for name in ("conflicts", "without_parent", "changed"))
    code = Exit.FINDINGS if odd else Exit.OK
    return replace(answer, exit=code, notes=tuple(notes), headline=headline, next=following)
