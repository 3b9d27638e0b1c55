"""Create what is missing of the declared tables; refuse where something of theirs differs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from rlops import counting, facts, journal
from rlops.clock import writers_now
from rlops.db import Database
from rlops.errors import Denied, Exit, Failed, Refused
from rlops.ops import backups, declared, form, preflight, requirements, upgrade
from rlops.ops.backups import dependents
from rlops.ops.declared import Declared
from rlops.ops.partition import change, checks, convert, integrity, months
from rlops.plan import Answer, Expect, Plan, Step
from rlops.sqlfiles import SqlFolder
from rlops.structure import Finding, Other, Table, compare, compare_triggers, read_table, read_triggers
from rlops.words import counted

_PARTITION_BY = re.compile(r"\bPARTITION\s+BY\b", re.IGNORECASE)


def plan(
    db: Database, sql: SqlFolder, *, fresh: bool, environment: str, partitioned: bool = False, by_triggers: bool = True
) -> Plan:
    """Plan the creation of the missing tables, and the record of this installation.

    With `partitioned`, interactions that are created, or are there and still empty, get their months at once.

    Raises Refused when a table exists but differs, when a parent can't carry a foreign key, when an unfinished
    rollback holds the keys' names, for `fresh` outside development, or for it and upgrades while a change of form is
    under way; Denied when a privilege is missing.
    """
    if fresh and environment != "development":
        raise Refused(
            f"--fresh drops tables, and {db.schema} is a production target. Nothing was changed",
            "Where that is wrong, say `--environment development` before the first migrate.", "fresh_in_production",
        )  # fmt: skip
    upgrade.refuse_edited(db, sql)
    recorded = journal.recorded(db)
    wanted = declared.tables(sql)
    live = {each.table.name: read_table(db, each.table.name) for each in wanted}
    present = {name for name, found in live.items() if found is not None}
    files = [] if fresh else upgrade.pending(sql, recorded.get("schema_version"))
    if fresh or files:
        change.refuse_busy(db, "a fresh start" if fresh else "an upgrade")
    if not fresh:
        upgraded = {file.table for file in files}
        _refuse_differences(db, sql, [each for each in wanted if each.table.name not in upgraded], live)
    missing = [each for each in wanted if fresh or each.table.name not in present]
    if missing:
        preflight.check_parents(db, missing)
        preflight.check_group(db, missing)
        backups.refuse_unfinished(db, sql)
        preflight.check_names(db, sql, [each for each in missing if each.table.name not in present])
    counters = backups.counters(db, sql) if missing else {}
    parents = tuple(sorted({parent for each in wanted for parent in each.parents}))
    partitioning, notes = (
        _partition(db, sql, live, missing, by_triggers=by_triggers, fresh=fresh) if partitioned else ([], ())
    )
    if (
        not partitioning
        and declared.INTERACTIONS in {each.table.name for each in missing}
        and form.of(recorded).form == form.PARTITIONED
    ):
        partitioning = convert.records(sql, form.FOREIGN_KEYS, form.FOREIGN_KEYS, None)
    drops = _drops(sql, [each.table.name for each in wanted if each.table.name in present], live) if fresh else ()
    if drops:
        keys = dependents.keys_of_others(db, sql, [each.table.name for each in wanted])
        dependents.refuse_keys(
            db, keys, "foreign keys of other tables refer to what would be dropped", "the fresh start"
        )
    if drops and form.of(recorded).form == form.PARTITIONED:
        drops = (*integrity.leaving(db, sql, *integrity.the_child(sql).parents), *drops)
    steps = (
        *(() if {"environment", "installation_id"} <= recorded.keys() else (_record(sql, environment),)),
        *drops,
        *upgrade.steps(db, sql, files, present, parents),
        *(_create(each, counters.get(each.table.name, 1)) for each in missing),
        *partitioning,
        *((upgrade.record_version(sql),) if files else ()),
    )
    return Plan(
        "migrate", steps,
        {"created": [each.table.name for each in missing], "existing": sorted(present - {each.table.name for each in missing})},
        notes,
        question=f"This drops {counted(len(present), 'table')} of {db.schema} with all their rows." if drops else "",
        again="rlops migrate" + (" --fresh" if fresh else "") + (" --partitioned" if partitioned else ""),
    )  # fmt: skip


def _create(each: Declared, counter: int) -> Step:
    """The step that creates a table; its ids go on from `counter`, above those of every kept backup."""
    name, statement = each.table.name, each.file.statement()
    if counter > 1:
        # A number that a merge depends on and no reviewer: it stays out of the plan's hash. A repeated option counts last.
        by = list(_PARTITION_BY.finditer(statement.sql))[-1:] if each.table.partitioning else []
        at = by[0].start() if by else len(statement.sql)
        text = f"{statement.sql[:at].rstrip()} AUTO_INCREMENT={counter} {statement.sql[at:]}".rstrip()
        statement = replace(statement, sql=text)
    return Step(f"create {name}", statement, (Expect("table", name),), touches=(name, *each.parents))


def _partition(
    db: Database,
    sql: SqlFolder,
    live: Mapping[str, object],
    missing: Sequence[Declared],
    *,
    by_triggers: bool,
    fresh: bool,
) -> tuple[list[Step], tuple[str, ...]]:
    """Partition the interactions while they are empty: created right now, or by a run that died before this step."""
    each = integrity.the_child(sql)
    table = each.table if each in missing else live[each.table.name]
    if not isinstance(table, Table) or form.live_form(table) == form.PARTITIONED:
        return [], ()
    if each not in missing and not counting.is_empty(db, table.name):
        raise Refused(
            f"{table.name} has rows, so it can't be partitioned as a new table is. Nothing was changed",
            "`rlops partition enable` partitions it.", "has_rows",
        )  # fmt: skip
    if lacking := requirements.check(db, "migrate --partitioned", sql):
        raise lacking
    if not db.engine.can.keys_on_partitions:
        checks.refuse_keys(db, sql, each)
    now = writers_now(db, sql.policy.writers_time_zone)
    listed = months.between(now, months.first_of(now, sql.policy.partitions.months_ahead))
    return convert.to_partitions(db, sql, each, table, listed, by_triggers=by_triggers, fresh=fresh)


def _refuse_differences(db: Database, sql: SqlFolder, wanted: Sequence[Declared], live: Mapping[str, object]) -> None:
    findings = [
        finding
        for each in wanted
        for finding in (*differences(db, each, live[each.table.name], sql), *_triggers(db, live[each.table.name]))
    ]
    if findings:
        shown = "; ".join(f"{f.object}: {f.check} is {f.actual}, declared is {f.expected}" for f in findings[:3])
        more = f" (and {len(findings) - 3} more)" if len(findings) > 3 else ""
        refusal = Refused(
            f"a table of that name exists but differs from what is declared: {shown}{more}. Nothing was changed",
            "See every difference, with the statement that mends it: `rlops verify`.", "differs",
        )  # fmt: skip
        refusal.data = {"findings": [asdict(finding) for finding in findings]}
        raise refusal


def differences(db: Database, wanted: Declared, live: object, sql: SqlFolder) -> list[Finding]:
    """How a live object differs from its declaration, in the form that it has; nothing for a missing one."""
    name = wanted.table.name
    if live is None:
        return []
    if isinstance(live, Other):
        return [Finding("table", name, "a table", f"a {live.kind}", "")]
    assert isinstance(live, Table)
    found = compare(form.holding(wanted, live, sql, db.family).table, live, db.family)
    if live.name == declared.INTERACTIONS and live.partitioning:
        found += months.problems(months.read(db, sql, live.name), live.name, sql.policy.partitions)
    return found


def undeclared_triggers(db: Database, name: str) -> list[Finding]:
    """The triggers of a table that nobody declared. Raises Denied when this account may not see them.

    rlops' own integrity triggers are compared with what they should be by `verify`.
    """
    ours = integrity.PREFIX if name == declared.INTERACTIONS else None
    theirs = tuple(each for each in read_triggers(db, name) if not (ours and each.name.startswith(ours)))
    return compare_triggers(name, (), theirs)


def _triggers(db: Database, live: object) -> list[Finding]:
    if not isinstance(live, Table):
        return []
    try:
        return undeclared_triggers(db, live.name)
    except Denied:
        return []  # verify says so; creating the other tables needs no right to see them


def _drops(sql: SqlFolder, names: Sequence[str], live: Mapping[str, object]) -> tuple[Step, ...]:
    for name in names:
        if isinstance(live[name], Other):
            raise Refused(f"{name} is a {live[name].kind}, not a table; --fresh drops tables only", "", "not_a_table")  # type: ignore[attr-defined]
    file = sql.file("migrate/010_drop_table")
    return tuple(
        Step(f"drop {name}", file.statement({"table": name}), (Expect("table", name, present=False),), touches=(name,))
        for name in reversed(names)
    )


def _record(sql: SqlFolder, environment: str) -> Step:
    values = {
        "environment": environment,
        "installation_id": str(uuid.uuid4()),
        "schema_version": sql.policy.schema_version,
    }
    statement = sql.statement("migrate/020_record", values=values, volatile=("installation_id",))
    return Step(f"record this installation ({environment})", statement, records=True, repeatable=True)


def verify_created(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Look at the tables after the run: structure, creation time, collation, rows."""
    seen, findings = [], []
    for each in declared.tables(sql):
        live = read_table(db, each.table.name)
        if live is None:
            findings.append(Finding("table", each.table.name, "a table", "absent", "rlops migrate"))
            continue
        findings += [*differences(db, each, live, sql), *_triggers(db, live)]
        seen.append(facts.describe(db, each.table.name) | counting.count(db, each.table.name).fields())
    data = {**answer.data, "tables": seen, "findings": [asdict(finding) for finding in findings]}
    if findings:
        error = Failed(
            f"the tables are there, but {counted(len(findings), 'thing')} differ from what is declared",
            "See them with `rlops verify`.",
            "differs",
        )
        return replace(answer, exit=Exit.FAILED, data=data, error=error)
    return replace(
        answer,
        data=data,
        headline=f"{_done(answer)}; schema version {sql.policy.schema_version}.",
        next="rlops grant" if answer.data["created"] else "",
    )


def _done(answer: Answer) -> str:
    created, upgrades = len(answer.data["created"]), sum(step.file.startswith("upgrade/") for step in answer.steps)
    if not answer.steps:
        return "Nothing to do: all tables are as declared"
    made = (f"{counted(created, 'table')} created",) if created else ()
    changed = (f"{counted(upgrades, 'upgrade')} applied",) if upgrades else ()
    return ", ".join((*made, *changed)) or "Recorded: all tables are there already, as declared"


def pending(answer: Answer) -> Answer:
    """The answer to `migrate --check`: exit 3 when a migrate would write something."""
    if not answer.steps:
        return replace(answer, dry_run=False, headline="Nothing is pending.")
    steps = "; ".join(step.name for step in answer.steps)
    return replace(answer, exit=Exit.FINDINGS, dry_run=False, headline=f"Pending: {steps}.", next="rlops migrate")
