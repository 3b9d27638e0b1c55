"""What each command needs, and whether this account, schema and server have it. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rlops import facts, journal, privileges
from rlops.db import Database, Forbidden
from rlops.errors import Denied, Exit
from rlops.holdings import Account, Holdings
from rlops.ops import declared, form, needs, operators, requirements, server_facts
from rlops.ops.partition import change, drift, rights
from rlops.ops.partition.status import integrity_of
from rlops.ops.server_facts import ServerFact
from rlops.plan import Answer
from rlops.settings import Target
from rlops.sqlfiles import SqlFolder, quote
from rlops.structure import Finding, Table, read_table


@dataclass(frozen=True)
class Check:
    """One command: whether it can run, the privileges that it lacks, and the GRANT that mends that.

    `blocked` is what the server or the schema is in the way with; `optional` would only tell more.
    """

    command: str
    ok: bool
    missing: tuple[str, ...]
    blocked: tuple[str, ...]
    grant: str
    optional: tuple[dict[str, str], ...]


def doctor(
    db: Database, sql: SqlFolder, target: Target, unreachable: str = "", *, with_accounts: bool = False
) -> Answer:
    """Examine the connection. `unreachable` is why the session couldn't enter the schema, if it couldn't.

    `with_accounts`: show the least-privileged operator accounts instead.
    """
    environment = _environment(db, target)
    if with_accounts:
        return operators.accounts(db, sql, environment["value"])
    holdings, account = privileges.own(db), privileges.current(db)
    schema = _schema(db, sql, holdings, unreachable)
    server = server_facts.read(db, holdings)
    commands = [
        _check(db, sql, name, holdings, account, blocked=_blocked(db, name, schema, server))
        for name in needs.commands(environment["value"])
    ]
    guards, unseen = _guards(db, sql) if schema["reachable"] else ([], [])
    found = [
        *_schema_findings(db, schema),
        *guards,
        *_server_findings(server),
        *(_command_finding(check) for check in commands if check.missing),
    ]
    tested = server_facts.tested(db.engine)
    data = {
        "engine": {
            "name": db.engine.name, "version": db.engine.version, "tested": tested, "kind": db.engine.kind,
            "cluster": db.engine.cluster, "can": dict(db.engine.can.described()),
        },
        "connection": _connection(db, target, account), "environment": environment, "schema": schema,
        "commands": [asdict(check) for check in commands], "server": [asdict(fact) for fact in server],
        "findings": [asdict(finding) for finding in found],
    }  # fmt: skip
    headline = f"{len(found)} things are missing" if found else "Every command has what it needs."
    return Answer(
        "doctor",
        Exit.FINDINGS if found else Exit.OK,
        data,
        notes=(*_notes(db, holdings, commands, tested), *unseen),
        headline=headline,
    )


def _blocked(db: Database, command: str, schema: Mapping[str, Any], server: Iterable[ServerFact]) -> tuple[str, ...]:
    """What besides privileges keeps a command from running: the engine, the server as it is set, the schema as it is."""
    name, refused = command.partition(" --")[0], db.engine.can.refuses(command)
    reasons = [refused] if refused else []
    reasons += [f"the schema: {schema['why']}"] if schema["why"] else []
    if name in needs.WRITING:
        reasons += [f"{fact.name} is {fact.value}" for fact in server if fact.ok is False]
    if name in ("migrate", "restore", "seed"):
        reasons += [f"no table {parent}" for parent, state in schema["parents"].items() if state == "absent"]
    return tuple(reasons)


def _check(
    db: Database, sql: SqlFolder, name: str, holdings: Holdings, account: Account, *, blocked: tuple[str, ...]
) -> Check:
    lacking = requirements.lacking(db, requirements.needs(name, db), holdings, sql)
    optional = []
    for need in requirements.needs(name, db, optional=True):
        more = requirements.lacking(db, [need], holdings, sql)
        if more:
            grant = requirements.statements(more, account, holdings)
            optional.append({"why": need.why, "missing": "; ".join(requirements.texts(more)), "grant": grant})
    return Check(
        name,
        not lacking and not blocked,
        tuple(requirements.texts(lacking)),
        blocked,
        requirements.statements(lacking, account, holdings),
        tuple(optional),
    )


def _schema(db: Database, sql: SqlFolder, holdings: Holdings, unreachable: str) -> dict[str, Any]:
    tables = declared.tables(sql)
    live = set() if unreachable else {name.lower() for name in facts.tables(db)}
    parents = dict.fromkeys(key.ref_table for each in tables for key in each.table.foreign_keys if not key.ref_schema)

    def states(names: Iterable[str]) -> dict[str, str]:
        return {
            name: "there" if name.lower() in live else "absent" if holdings.sees(db.schema, name) else "denied"
            for name in names
        }

    return {
        "name": db.schema, "reachable": not unreachable, "why": unreachable, "parents": states(parents),
        "tables": states(each.table.name for each in tables), "own_tables": states(journal.TABLES),
    }  # fmt: skip


def _connection(db: Database, target: Target, account: Account) -> dict[str, Any]:
    row = db.row("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    cipher = str(row["Value"]) if row and row["Value"] else None
    return {"place": target.place, "over": "socket" if target.socket else "tcp", "tls": cipher, "account": str(account)}


def _environment(db: Database, target: Target) -> dict[str, str]:
    """By the rule of cli.md: options can only make stricter what the target has recorded; nothing said is production."""
    try:
        recorded = journal.recorded(db).get("environment")
    except Forbidden:
        recorded = None
    said = target.environment
    if said == "production" or (said and not recorded):
        return {"value": said, "source": target.sources.get("environment", "")}
    if recorded:
        return {"value": recorded, "source": f"recorded in {db.schema}"}
    return {"value": "production", "source": "nobody described this target, so it is production"}


def _schema_findings(db: Database, schema: Mapping[str, Any]) -> list[Finding]:
    name = schema["name"]
    if not schema["reachable"]:
        hint = f"CREATE DATABASE {quote(name)}, GRANT a privilege on it, or name another one with --database"
        return [Finding("schema", name, "a schema that this account may enter", schema["why"], hint)]
    found = []
    for parent, state in schema["parents"].items():
        if state == "absent":
            hint = "name the shop's schema with --database"
            found.append(Finding("parent table", parent, "a table of the shop", state, hint))
        elif state == "denied":
            hint = f"GRANT SELECT, REFERENCES ON {quote(name)}.{quote(parent)} TO {privileges.current(db)}"
            found.append(Finding("parent table", parent, "a table that this account may see", state, hint))
    return found


def _guards(db: Database, sql: SqlFolder) -> tuple[list[Finding], list[str]]:
    """What the account lacks that rlops' triggers run as, without which the shop's statements fail, and which of them are lost."""
    try:
        live = read_table(db, declared.INTERACTIONS)
        guarded = isinstance(live, Table) and integrity_of(db, live) == form.TRIGGERS
        guarded = guarded or change.under_way(db) is not None or change.kept(db) is not None
        return [*rights.lacking(db, sql), *drift.findings(db, sql)[0]] if guarded else [], []
    except (Denied, Forbidden) as error:
        return [], [
            f"whether triggers keep the integrity of {declared.INTERACTIONS}, and as whom, can't be seen: {error.message}"
        ]


def _server_findings(server: list[ServerFact]) -> list[Finding]:
    hint = "connect to the server that takes writes"
    return [Finding("server", fact.name, "OFF", fact.value, hint) for fact in server if fact.ok is False]


def _command_finding(check: Check) -> Finding:
    return Finding("privileges", check.command, "what it needs", "missing: " + "; ".join(check.missing), check.grant)


def _notes(db: Database, holdings: Holdings, commands: list[Check], tested: bool) -> list[str]:
    notes = []
    if not tested:
        versions = ", ".join(f"{name} {', '.join(them)}" for name, them in server_facts.TESTED.items())
        notes.append(f"{db.engine} is not among the versions that rlops is tested on ({versions})")
    inactive = [] if all(check.ok for check in commands) else privileges.inactive_roles(db, holdings)
    for role in inactive:
        notes.append(f"the role {role} is granted to this account and not active, so what it holds doesn't count")
    wishes: dict[tuple[str, str], list[str]] = {}
    for check in commands:
        for more in check.optional:
            wishes.setdefault((more["missing"], more["grant"]), []).append(f"{check.command} ({more['why']})")
    notes += [f"optional, for {', '.join(who)}: {grant}".replace("\n", " ") for (_, grant), who in wishes.items()]
    return notes
