"""Compare what lives in the schema with what is declared; writes nothing and takes no lock that stops anyone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rlops import counting, events, facts
from rlops.db import Database, ServerError
from rlops.errors import Exit, Interrupted
from rlops.ops import data as rows
from rlops.ops import declared, grant, smoke
from rlops.ops.migrate import differences
from rlops.plan import Answer
from rlops.sqlfiles import SqlFolder
from rlops.structure import Finding, read_table
from rlops.words import counted


def verify(
    db: Database,
    sql: SqlFolder,
    *,
    with_smoke: bool,
    with_data: bool = False,
    full: bool = False,
    emit: events.Emit = events.silent,
) -> Answer:
    """The structure of each declared table, the grants, and with `with_smoke` trial rows that are rolled back.

    With `with_data` the newest rows are checked too, or with `full` all of them. Raises Denied when the account may not read a table.
    """
    findings: list[dict[str, Any]] = []
    tables: list[dict[str, Any]] = []
    for each in declared.tables(sql):
        name = each.table.name
        live = read_table(db, name)
        if live is None:
            findings.append(asdict(Finding("table", name, "a table", "absent", "rlops migrate")))
            tables.append({"name": name, "exists": False})
            continue
        found = differences(db, each, live)
        findings += [asdict(finding) for finding in found]
        tables.append({**facts.describe(db, name), "exists": True, **_rows(db, name), "as_declared": not found})
    grant_findings, notes = grant.findings(db, sql)
    findings += grant_findings
    trial: list[dict[str, Any]] = []
    if with_smoke and all(table["exists"] for table in tables):
        trial, smoke_findings, smoke_notes = smoke.trial(db, sql)
        findings += smoke_findings
        notes = [*notes, *smoke_notes]
    data: dict[str, Any] = {"findings": findings, "tables": tables, "smoke": trial}
    if with_data:
        present = {table["name"]: table["rows"] for table in tables if table["exists"]}
        report = rows.examine(db, sql, present, full=full, emit=emit)
        findings += report.findings
        notes = [*notes, *report.notes()]
        data["data"] = report.data()
        if report.interrupted:
            stopped = Interrupted(f"interrupted after {report.reached()}; nothing was written")
            return Answer("verify", Exit.INTERRUPTED, data, notes=tuple(notes), error=stopped)
    if findings:
        headline = f"{counted(len(findings), 'finding')}: {db.schema} is not as declared."
        missing = all(not table["exists"] for table in tables)
        return Answer(
            "verify",
            Exit.FINDINGS,
            data,
            headline=headline,
            notes=tuple(notes),
            next="rlops migrate" if missing else "",
        )
    return Answer(
        "verify", Exit.OK, data, headline=f"{db.schema} is as declared: {len(tables)} tables.", notes=tuple(notes)
    )


def _rows(db: Database, name: str) -> dict[str, object]:
    try:
        return counting.count(db, name).fields()
    except ServerError:
        return {"rows": None, "rows_estimated": None, "rows_source": None}
