"""Copy whole months to cold storage, and read every part back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from rlops.archive import parts
from rlops.archive import place as places
from rlops.archive.export import Export, Month
from rlops.archive.place import Place
from rlops.archive.rows import Reader
from rlops.clock import cutoff, writers_now, zoned
from rlops.db import Database
from rlops.errors import Refused
from rlops.ops import native_ttl
from rlops.ops.archive import table
from rlops.ops.archive.request import RECORD, Request, nothing_to_do, refuse_now
from rlops.ops.declared import INTERACTIONS
from rlops.plan import Answer, Chunk, Plan, Step, StepResult
from rlops.sqlfiles import SqlFolder, Statement
from rlops.words import counted


def plan(db: Database, sql: SqlFolder, request: Request) -> Plan:
    """Plan the export of the months that are older than the policy's or the given number, one step a month.

    Raises Refused when the table can't be archived exactly, when no destination is known, when it is another
    installation's or server's, or for `now` in production.
    """
    refuse_now(request)
    native_ttl.refuse(db, sql)
    columns = table.columns(db)
    where = destination(db, request)
    months, zone = request.months or sql.policy.archive.interactions_months, sql.policy.writers_time_zone
    edge = cutoff(request.now or writers_now(db, zone), months)
    due, left_out = _due(db, sql, columns, edge)
    found = {month: table.count(db, sql, month) for month in due}
    steps = tuple(
        export_step(sql, where, columns, month, rows.rows) for month, rows in found.items()
    )  # fmt: skip
    recording = record_steps(db, sql, where) if steps or request.moved else ()
    about = "about " if any(rows.estimated for rows in found.values()) else ""
    total = sum(rows.rows for rows in found.values())
    notes = (f"{about}{counted(total, 'interaction')} of {counted(len(due), 'month')} for {where.url}",) if due else ()
    (until,) = zoned(db, zone, edge)
    return Plan(
        "archive run", (*recording, *steps),
        {
            "destination": where.url, "until": until.isoformat(), "time_zone": zone, "months": months,
            "due": [{"month": str(month), **rows.fields()} for month, rows in found.items()],
            "archived_rows": 0, "left_out_months": [str(month) for month in left_out],
        },
        (*notes, *_left_out([str(month) for month in left_out])),
        again="rlops archive run" + (f" --months {request.months}" if request.months else ""),
        account=_account,
    )  # fmt: skip


def destination(db: Database, request: Request) -> Place:
    """The archive to write to. Raises Refused when none is known; development has a default one."""
    found = places.find(db, request.to, moved=request.moved)
    if found is None and request.environment != "production" and request.default:
        found = places.find(db, request.default)
    if found is None:
        raise Refused(
            "no archive is named, and production has none by default. Nothing was changed",
            "Name a folder or an s3:// URL with --to, RLOPS_ARCHIVE_TO, or archive_to in the profile; the first run records it.",
            "no_destination",
        )
    if request.moved:
        _refuse_incomplete(db, found)
    return found


def _refuse_incomplete(db: Database, where: Place) -> None:
    """Refuse a copy of the archive that lacks a part, or has another file for it."""
    files = where.store.files()
    finished = [part for part in parts.all_parts(db) if part.state != parts.PLANNED and not part.replacing]
    if lacking := [part.path for part in finished if files.get(part.path) != part.bytes]:
        raise Refused(
            f"{where.url} lacks {counted(len(lacking), 'part')} that the archive has on record, or has another file for it:"
            f" {', '.join(lacking[:3])}{', …' if lacking[3:] else ''}. Nothing was changed",
            "Copy the whole archive there, then type the same command again.", "incomplete",
        )  # fmt: skip


@dataclass(frozen=True)
class TakeOver:
    """The work of taking an archive over: its root file names this server from now on, and the record names the archive."""

    place: Place
    statement: Statement
    total: int | None = None

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Do all of it. Raises Failed when the archive can't be written."""
        del after, size
        self.place.claim()
        db.execute(self.statement.sql, self.statement.values)
        return Chunk(0, "taken over", last=True)


def record_steps(db: Database, sql: SqlFolder, where: Place) -> tuple[Step, ...]:
    """The step that records the destination, where it isn't on record, or takes the archive over, where it has moved."""
    statement = sql.statement(RECORD, values={"destination": where.url})
    if where.moved:
        return (Step(f"take over the archive {where.url}", statement, work=TakeOver(where, statement)),)
    if places.recorded(db) == where.url:
        return ()
    return (Step(f"record the archive {where.url}", statement, records=True),)


def export_step(sql: SqlFolder, where: Place, columns: Sequence[table.Column], month: Month, total: int | None) -> Step:
    """The step that exports and verifies a month."""
    outline = sql.file("archive/030_rows").outline({"line": table.line(columns)}, _edges(month))
    work = Export(sql, where, INTERACTIONS, columns, month, sql.policy.archive.part_rows, total)
    return Step(f"archive {month}", outline, work=work)


def _edges(month: Month) -> dict[str, str]:
    return {"last_timestamp": f"'{month.since}'", "until": f"'{month.until}'"}


def _due(
    db: Database, sql: SqlFolder, columns: Sequence[table.Column], edge: datetime
) -> tuple[list[Month], list[Month]]:
    """The months to archive, and those left out: a purge has rows of them in parts of its own that are live."""
    reader = Reader(db, sql, columns)
    live = {month.first: month for month in table.months(db, sql, edge)}
    known: dict[date, list[parts.Part]] = {}
    for part in parts.all_parts(db):
        known.setdefault(part.month, []).append(part)
    due, left_out = list[Month](), list[Month]()
    for first in sorted({*live, *known}):
        month = Month(first)
        found = known.get(first, [])
        begun = any(part.state in (parts.PLANNED, parts.EXPORTED) and not part.only for part in found)
        left = parts.covered_to(found, month.since, month.until)
        if begun or (first in live and reader.bound(left, 1) != left):
            purged = any(part.only and part.state != parts.DONE for part in found)
            (left_out if purged else due).append(month)
    return due, left_out


def _left_out(months: Sequence[str]) -> tuple[str, ...]:
    if not months:
        return ()
    return (
        f"left out: {', '.join(months)}, where a purge was interrupted, or what it archived is live again: rows would be in the"
        " archive twice. Type the purge again; else cleanup archives the rest once it expires",
    )


def _account(results: Sequence[StepResult]) -> dict[str, object]:
    return {"archived_rows": sum(result.rows or 0 for result in results if result.chunks)}


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Say what was archived: every part was read back and compared with the server's own count and hash."""
    del sql
    data = answer.data
    before, notes = data["until"][:10], (*answer.notes, *_left_out(data["left_out_months"]))
    if not data["due"]:
        done = "no other month" if notes else "no month"
        answer = replace(answer, notes=notes)
        return nothing_to_do(answer, f"{done} before {before} is left to archive in {data['destination']}")
    months = [entry["month"] for entry in data["due"]]
    made = [part for part in parts.all_parts(db) if part.month_text in months]
    data = {
        **data,
        "parts": [
            {
                "path": part.path,
                "month": part.month_text,
                "rows": part.sum.rows,
                "bytes": part.bytes,
                "state": part.state,
            }
            for part in made
        ],
    }
    what = f"{counted(data['archived_rows'], 'interaction')} of {counted(len(months), 'month')}"
    headline = f"{what} archived in {data['destination']}, read back and verified."
    return replace(answer, data=data, notes=notes, headline=headline, next="rlops archive list")
