"""Compare what lives in the schema with what is declared; writes nothing and takes no lock that stops anyone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from rlops import counting, events, facts, journal, nodes
from rlops.db import Database, Forbidden, LockWait, Lost, ServerError
from rlops.errors import Denied, Exit, Interrupted
from rlops.ops import data as rows
from rlops.ops import declared, form, grant, smoke
from rlops.ops.data import whole
from rlops.ops.migrate import differences, undeclared_triggers
from rlops.ops.partition import rights
from rlops.plan import Answer
from rlops.sqlfiles import SqlFolder
from rlops.structure import Finding, read_table
from rlops.words import counted

ENDED = "orphans_below_"  # in rlops_state, with a table's name: from where the next look for orphans goes on down


def verify(
    db: Database,
    sql: SqlFolder,
    *,
    with_smoke: bool,
    with_data: bool = False,
    full: bool = False,
    further: Mapping[str, int] | None = None,
    emit: events.Emit = events.silent,
) -> Answer:
    """The structure of each declared table, the grants, and with `with_smoke` trial rows that are rolled back.

    With `with_data` the newest rows are checked too, or with `full` all of them; `further` as in rlops.ops.data.
    Raises Denied when the account may not read a table.
    """
    behind = nodes.disagreeing(db, sql, nodes.AGREE_WITHIN)
    tables, findings, notes = _structure(db, sql)
    if behind:
        hint = "look at that server, then type `rlops verify` again"
        findings.append(asdict(Finding("cluster", db.engine.cluster, "every server has all changes", behind, hint)))
    grant_findings, grant_notes = grant.findings(db, sql)
    findings += grant_findings
    notes += grant_notes
    there = [table["name"] for table in tables if table["exists"]]
    if not with_data:  # which looks at this too
        findings += map(asdict, _ids_left(db, sql, there))
    trial: list[dict[str, Any]] = []
    if with_smoke and len(there) == len(tables):
        trial, smoke_findings, smoke_notes = smoke.trial(db, sql)
        findings += smoke_findings
        notes = [*notes, *smoke_notes]
    data: dict[str, Any] = {"findings": findings, "tables": tables, "smoke": trial}
    if with_data:
        present = {table["name"]: table["rows"] for table in tables if table["exists"]}
        report = rows.examine(db, sql, present, full=full, further=further, emit=emit)
        findings += report.findings
        notes = [*notes, *report.notes()]
        data["data"] = report.data()
        if report.interrupted:
            stopped = Interrupted(f"interrupted after {report.reached()}; nothing was written")
            return Answer("verify", Exit.INTERRUPTED, data, notes=tuple(notes), error=stopped)
    if findings:
        headline = f"{counted(len(findings), 'finding')}: {db.schema} is not as declared."
        return Answer(
            "verify",
            Exit.FINDINGS,
            data,
            headline=headline,
            notes=tuple(notes),
            next="" if there else "rlops migrate",
        )
    return Answer(
        "verify", Exit.OK, data, headline=f"{db.schema} is as declared: {len(tables)} tables.", notes=tuple(notes)
    )


def upkeep(db: Database, sql: SqlFolder, *, keep: bool, emit: events.Emit = events.silent) -> Answer:
    """`verify` with the newest rows, and a look for orphans that goes on below where the last one ended; `keep` records where."""
    further = {
        name[len(ENDED) :]: int(value)
        for name, value in journal.recorded(db).items()
        if name.startswith(ENDED) and value
    }
    answer = verify(db, sql, with_smoke=False, with_data=True, further=further, emit=emit)
    for seen in answer.data["data"]["further"] if keep else ():
        ended = seen["complete"] or seen["first_id"] is None
        journal.record(db, ENDED + seen["table"], "" if ended else str(seen["first_id"] - 1))
    return answer


def _structure(db: Database, sql: SqlFolder) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """What was seen of each declared table, the findings, and what this account may not see."""
    tables: list[dict[str, Any]] = []
    findings: list[Finding] = []
    notes: list[str] = []
    for each in declared.tables(sql):
        name = each.table.name
        live = read_table(db, name)
        if live is None:
            findings.append(Finding("table", name, "a table", "absent", "rlops migrate"))
            tables.append({"name": name, "exists": False})
            continue
        found = differences(db, each, live, sql)
        if name == declared.INTERACTIONS:
            found += form.findings(db, live)
            trigger_findings, trigger_notes = rights.findings(db, sql)
            found += trigger_findings
            notes += trigger_notes
        else:
            try:
                found += undeclared_triggers(db, name)
            except Denied as error:
                notes.append(f"triggers of {name}: denied ({error.hint})")
        counted_rows, unreadable = _rows(db, name)
        found += unreadable
        findings += found
        tables.append({**facts.describe(db, name), "exists": True, **counted_rows, "as_declared": not found})
    version = journal.recorded(db).get("schema_version", sql.policy.schema_version)
    if version != sql.policy.schema_version:
        notes.append(
            f"the tables are at version {version}, declared is {sql.policy.schema_version}: `rlops migrate` upgrades them"
        )
    return tables, [asdict(finding) for finding in findings], notes


def _rows(db: Database, name: str) -> tuple[dict[str, object], list[Finding]]:
    """How many rows there are, and whether they can be read at all."""
    unknown: dict[str, object] = {"rows": None, "rows_estimated": None, "rows_source": None}
    try:
        return counting.count(db, name).fields(), []
    except Lost:
        raise
    except (Forbidden, LockWait):
        return unknown, []
    except ServerError as error:
        return unknown, [Finding("rows", name, "readable", error.message, "")]


def _ids_left(db: Database, sql: SqlFolder, names: Iterable[str]) -> list[Finding]:
    found: list[Finding] = []
    for name in names:
        with suppress(ServerError):  # what can't be read is said elsewhere
            found += whole.headroom(db, sql, name)
    return found
