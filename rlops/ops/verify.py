"""Compare what lives in the schema with what is declared; writes nothing and takes no lock that stops anyone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rlops import counting, events, facts, journal
from rlops.db import Database, ServerError
from rlops.errors import Denied, Exit, Interrupted
from rlops.ops import data as rows
from rlops.ops import declared, form, grant, smoke
from rlops.ops.migrate import differences
from rlops.ops.partition import integrity
from rlops.plan import Answer
from rlops.sqlfiles import SqlFolder
from rlops.structure import Finding, compare_triggers, read_table, read_triggers
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
    tables, findings, notes = _structure(db, sql)
    grant_findings, grant_notes = grant.findings(db, sql)
    findings += grant_findings
    notes += grant_notes
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
            trigger_findings, trigger_notes = integrity.findings(db, sql)
            found += trigger_findings
            notes += trigger_notes
        else:
            try:
                found += compare_triggers(name, (), read_triggers(db, name))
            except Denied as error:
                notes.append(f"triggers of {name}: denied ({error.hint})")
        findings += found
        tables.append({**facts.describe(db, name), "exists": True, **_rows(db, name), "as_declared": not found})
    version = journal.recorded(db).get("schema_version", sql.policy.schema_version)
    if version != sql.policy.schema_version:
        notes.append(
            f"the tables are at version {version}, declared is {sql.policy.schema_version}: `rlops migrate` upgrades them"
        )
    return tables, [asdict(finding) for finding in findings], notes


def _rows(db: Database, name: str) -> dict[str, object]:
    try:
        return counting.count(db, name).fields()
    except ServerError:
        return {"rows": None, "rows_estimated": None, "rows_source": None}
