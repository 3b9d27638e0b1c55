"""Erase the rows of users and products that are gone, or of a list of them, from everywhere but the live tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rlops.archive import parts
from rlops.archive import place as places
from rlops.archive.place import Place
from rlops.db import Database
from rlops.errors import Exit, Failed, Refused
from rlops.events import Emit, silent
from rlops.ops import declared, longrun
from rlops.ops.archive import erase_parts, erase_tables
from rlops.ops.archive.erase_parts import READABLE, Erasing, Search
from rlops.ops.archive.erase_tables import Gone, Rows
from rlops.ops.archive.wanted import Wanted, is_empty
from rlops.ops.purge import PARENTS
from rlops.plan import Answer, Order, Plan, Step, StepResult
from rlops.sqlfiles import SqlFolder
from rlops.words import counted

KIND = "archive erase"
ARCHIVE = "the archive"
REST = 10_000  # bytes of a statement beside the ids
BEYOND = (
    "earlier versions of a file, where the bucket keeps versions",
    "uploads to a bucket that never ended, which its lifecycle rules abort",
    "binary logs, and replicas that are stopped",
    "dumps, backups of the server's disk, and copies of the archive's files",
)


@dataclass
class Planned:
    """One place: what it holds, what is to go of it (None: not counted in time), and the step that does it."""

    place: str
    kind: str
    rows: int | None
    found: int | None
    step: Step | None

    def told(self) -> dict[str, Any]:
        """Its part of the JSON."""
        return {"place": self.place, "kind": self.kind, "rows": self.rows, "found_rows": self.found, "erased_rows": 0}


class Eraser:
    """Plans what goes, and tells afterwards what went. `ids` by kind of parent (`user`, `product`); None: those that are gone."""

    def __init__(self, ids: Mapping[str, Sequence[int]] | None, to: str | None, again: str) -> None:
        self.ids, self.to, self.again = ids, to, again
        self.search: Search | None = None
        self._gone: dict[str, Gone | None] = {}  # by table, who was gone when what goes was shown

    def plan(self, db: Database, sql: SqlFolder, environment: str, emit: Emit = silent) -> Plan:
        """Plan the steps, the archive's first.

        Raises Refused when nothing can be told of who is gone, the list of ids is too long for a statement, or the archive is
        another installation's or server's.
        """
        wanted = self._wanted(sql)
        self.search = self.search or Search(wanted, emit)
        if wanted.ids is None:
            _refuse_empty(db, wanted)
        else:
            _refuse_long(db, wanted)
        where, found = places.find(db, self.to), erase_tables.find(db, sql, wanted)
        unreached = dict(found.unreached)
        planned = [*self._archive(db, sql, self.search, where, unreached)] if where and parts.exists(db) else []
        for beside in found.tables:
            rows, count, gone = erase_tables.count(db, sql, wanted, beside)
            work = Rows(sql, wanted, beside, count, self._gone.setdefault(str(beside), gone))
            step = self._step(sql, wanted, work) if count != 0 else None
            planned.append(Planned(str(beside), beside.kind, rows, count, step))
        steps = tuple(each.step for each in planned if each.step)
        reasons = _above(planned, sql.policy.archive.max_erase_share)
        total = sum(each.found or 0 for each in planned)
        alive = (
            ()
            if wanted.ids is None
            else ("the live tables keep theirs: `rlops purge`, and the shop's DELETE, remove those",)
        )
        return Plan(
            "archive erase", steps,
            {
                "mode": "orphans" if wanted.ids is None else "ids", "destination": where.url if where else None,
                "places": [each.told() for each in planned], "beyond": list(BEYOND), "found_rows": total,
                "unreached": [{"place": place, "reason": reason} for place, reason in unreached.items()],
                "rewritten_parts": 0, "erased_rows": 0, **longrun.NOTHING,
            },
            (
                *(_line(each) for each in planned if each.found != 0), *alive, *reasons, *found.notes,
                *(f"not searched: {place}: {reason}" for place, reason in unreached.items()),
                "out of reach: " + "; ".join(BEYOND),
            ),
            question=f"This erases {counted(total, 'row')} for good: from {', '.join(p.place for p in planned if p.step)}."
            + "".join(f" {reason}." for reason in reasons),
            name_database=bool(reasons) or (wanted.ids is not None and environment == "production"),
            again=self.again,
            account=lambda results: _account(planned, unreached, results),
        )  # fmt: skip

    def _wanted(self, sql: SqlFolder) -> Wanted:
        keys = {
            (key.columns, key.ref_table): key for each in declared.tables(sql) for key in each.table.foreign_keys
        }.values()
        if self.ids is None:
            return Wanted(tuple(keys))
        columns = {
            key.columns[0]: self.ids.get(kind, ()) for kind in PARENTS for key in keys if key.ref_table == PARENTS[kind]
        }
        return Wanted(tuple(keys), {column: frozenset(ids) for column, ids in columns.items()})

    def _archive(
        self, db: Database, sql: SqlFolder, search: Search, where: Place, unreached: dict[str, str]
    ) -> Sequence[Planned]:
        known = parts.all_parts(db)
        concerned, found, rows = [], 0, 0
        for part in known:
            if part.state == parts.PLANNED:
                continue
            rows += part.sum.rows
            try:
                count = search.count(db, sql, where.store, part)
            except Failed as error:
                if error.code not in READABLE:
                    raise
                unreached[part.path] = error.message
                count = 0
            found += count
            if count or part.replacing:
                concerned.append(part.id)
        left = erase_parts.leftovers(where.store, known)
        work = Erasing(sql, where.store, search, concerned, left, found)
        step = self._step(sql, search.wanted, work) if concerned or left else None
        return [Planned(ARCHIVE, "archive", rows, found, step)]

    def _step(self, sql: SqlFolder, wanted: Wanted, work: Erasing | Rows) -> Step:
        if isinstance(work, Rows):
            place, file = str(work.beside), "archive/160_erase_rows"
            names = {"table": work.beside.words, "key": work.beside.key, "column": work.beside.looked_at(wanted)[0]}
        else:
            place, file, names = ARCHIVE, "archive/110_erase_part", {}
        subject = f"{place} {wanted.mark}"[-255:]
        order = Order(KIND, self.again, sql.policy.fingerprint(), {"place": place}, subject)
        return Step(f"erase rows from {place}", sql.file(file).outline(names, {}), work=work, job=order)


def _refuse_empty(db: Database, wanted: Wanted) -> None:
    for key in wanted.keys:
        if is_empty(db, key):
            raise Refused(
                f"{key.ref_table} is empty: every row would count as one of nobody's. Nothing was changed",
                "Is this the shop's own schema, or a clone without its users and products? Named ids (--user, --product) can"
                " be erased nevertheless.", "no_parents",
            )  # fmt: skip


def _refuse_long(db: Database, wanted: Wanted) -> None:
    size, most = len(wanted.condition(db, wanted.columns)), int(db.value("SELECT @@max_allowed_packet"))
    if size + REST > most:
        raise Refused(
            f"the ids make {size:,} bytes of SQL, and the server takes {most:,} at once (max_allowed_packet). Nothing was changed",
            "Split the file, and erase the rows of one after the other.", "too_many_ids",
        )  # fmt: skip


def _above(planned: Sequence[Planned], limit: float) -> list[str]:
    """Why a run is not to be taken for the ordinary: each place on its own."""
    reasons = []
    for each in planned:
        if each.kind == "set aside":  # rows that had lost their user or product when they came there
            continue
        if each.found is None:
            reasons.append(f"{each.place}: what would go could not be counted in time")
        elif each.found and each.found > limit * (each.rows or 0):
            share = each.found / (each.rows or each.found)
            reasons.append(f"{each.place}: {share:.0%} of its rows would go; the policy's limit is {limit:.0%}")
    return reasons


def _line(each: Planned) -> str:
    what = "an unknown number of" if each.found is None else f"{each.found:,} of {each.rows:,}"
    return f"{each.place} ({each.kind}): {what} rows go"


def _account(planned: Sequence[Planned], unreached: dict[str, str], results: Sequence[StepResult]) -> dict[str, object]:
    known = longrun.account(results)
    told, rewritten = [], 0
    for each in planned:
        work = each.step.work if each.step else None
        entry = each.told()
        if isinstance(work, Erasing):
            entry |= {"erased_rows": work.erased, "rewritten_parts": len(work.rewritten)}
            rewritten += len(work.rewritten)
            unreached = {**unreached, **work.unreached}
        elif isinstance(work, Rows):
            entry["erased_rows"] = work.erased
        told.append(entry)
    del known["deleted_rows"]
    return {
        **known, "places": told, "rewritten_parts": rewritten, "erased_rows": sum(each["erased_rows"] for each in told),
        "unreached": [{"place": place, "reason": reason} for place, reason in unreached.items()],
    }  # fmt: skip


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Say what went from where, and what could not be searched: then the exit code is that of findings."""
    del db, sql
    data = answer.data
    notes = list(answer.notes)
    for each in data["unreached"]:
        line = f"not searched: {each['place']}: {each['reason']}"
        notes += [line] if line not in notes else []
    places_ = [f"{each['erased_rows']:,} from {each['place']}" for each in data["places"] if each["erased_rows"]]
    headline = (
        f"{counted(data['erased_rows'], 'row')} erased: {', '.join(places_)}." if places_ else "Nothing to erase."
    )
    if not data["unreached"]:
        return replace(answer, notes=tuple(notes), headline=headline)
    headline += f" {counted(len(data['unreached']), 'place')} could not be searched."
    following = "rlops archive verify, then the same command again"
    return replace(answer, exit=Exit.FINDINGS, notes=tuple(notes), headline=headline, next=following)
