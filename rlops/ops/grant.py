"""What the application account holds on the three tables, against what policy.toml declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from rlops import facts, privileges
from rlops.db import Database
from rlops.errors import Denied, Exit, Failed
from rlops.ops import declared, requirements
from rlops.plan import Answer, Plan, Step
from rlops.privileges import ALL, GRANT_OPTION, Account, Grant, Holdings
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import Finding


@dataclass(frozen=True)
class Comparison:
    """The application account's privileges on one table: declared, held by a grant on the table, missing."""

    table: str
    held: tuple[str, ...]
    missing: tuple[str, ...]


def plan(db: Database, sql: SqlFolder) -> Plan:
    """Plan the missing grants, one statement a table.

    Raises Failed when a table or the account doesn't exist; Denied when this session may not see them.
    """
    _require_tables(db, declared.names(sql))
    held = _held(db, sql)
    compared = [_compare(db, sql, held, name) for name in declared.names(sql)]
    steps = tuple(_step(db, sql, each) for each in compared if each.missing)
    data = {"account": str(_account(sql)), "tables": [asdict(each) for each in compared]}
    return Plan("grant", steps, data, _notes(db, sql, held), again="rlops grant")


def verify(db: Database, sql: SqlFolder, answer: Answer) -> Answer:
    """Read the grants again after the run."""
    held = _held(db, sql)
    compared = [_compare(db, sql, held, name) for name in declared.names(sql)]
    data = {**answer.data, "tables": [asdict(each) for each in compared]}
    missing = [each for each in compared if each.missing]
    answer, account = replace(answer, notes=_notes(db, sql, held)), _account(sql)
    if missing:
        what = "; ".join(f"{', '.join(each.missing)} on {each.table}" for each in missing)
        error = Failed(
            f"after the grant SHOW GRANTS still lacks {what} for {account}", "rlops grant --check", "not_verified"
        )
        return replace(answer, exit=Exit.FAILED, data=data, error=error)
    headline = f"Granted, and read back by SHOW GRANTS: {account} holds what is declared."
    return replace(
        answer, data=data, headline=headline if answer.steps else f"Nothing to do: {account} holds what is declared.",
        next="rlops verify" if answer.steps else "",
    )  # fmt: skip


def check(db: Database, sql: SqlFolder) -> Answer:
    """What is missing or in excess. Raises as `plan` does when it can't be told."""
    _require_tables(db, declared.names(sql))
    held = _held(db, sql)
    found = _findings(db, sql, held, declared.names(sql))
    compared = [_compare(db, sql, held, name) for name in declared.names(sql)]
    account = _account(sql)
    headline = f"{len(found)} differences for {account}" if found else f"{account} holds exactly what is declared."
    return Answer(
        "grant", Exit.FINDINGS if found else Exit.OK,
        {"account": str(account), "tables": [asdict(each) for each in compared], "findings": [asdict(f) for f in found]},
        notes=tuple(_wider(db, held)), headline=headline, next="rlops grant" if any(f.check == "grant" for f in found) else "",
    )  # fmt: skip


def findings(db: Database, sql: SqlFolder) -> tuple[list[dict[str, Any]], list[str]]:
    """For `verify`: the findings, and notes. Tables that don't exist are left to verify's own findings.

    What this session may not see is a note that begins with "denied".
    """
    account = _account(sql)
    try:
        held = privileges.held_by(db, account.user, account.host or "")
    except Denied as error:
        return [], [f"denied: {error.message}, so its grants were not compared; {error.hint}"]
    if held is None:
        missing = Finding("account", str(account), "an account", "absent", _create_user(account))
        return [asdict(missing)], []
    live = {name.lower() for name in facts.tables(db)}
    present = [name for name in declared.names(sql) if name.lower() in live]
    notes = [
        f"{account} holds {_words(db, held.on_table(db.schema, name))} on {name}, which does not exist"
        for name in declared.names(sql)
        if name not in present and held.on_table(db.schema, name)
    ]
    return [asdict(each) for each in _findings(db, sql, held, present)], [*notes, *_wider(db, held)]


def _account(sql: SqlFolder) -> Account:
    return Account(sql.policy.grants.user, sql.policy.grants.host)


def _create_user(account: Account) -> str:
    return f"CREATE USER {account} IDENTIFIED BY '…'"


def _held(db: Database, sql: SqlFolder) -> Holdings:
    account = _account(sql)
    held = privileges.held_by(db, account.user, account.host or "")
    if held is None:
        raise Failed(
            f"the application account {account} does not exist; nothing was changed",
            f"An administrator runs, with a password of your own: {_create_user(account)}; then `rlops grant`.", "no_account",
        )  # fmt: skip
    return held


def _require_tables(db: Database, names: Iterable[str]) -> None:
    live = {name.lower() for name in facts.tables(db)}
    missing = [name for name in names if name.lower() not in live]
    if not missing:
        return
    holdings = privileges.own(db)
    hidden = [name for name in missing if not holdings.sees(db.schema, name)]
    if hidden:
        lacking: requirements.Lacking = {
            (db.schema, name): [*("SELECT", "INSERT", "UPDATE", "DELETE"), GRANT_OPTION] for name in hidden
        }
        account = privileges.current(db)
        raise Denied(
            f"{account} holds nothing on {', '.join(hidden)}, so whether they exist can't be seen; nothing was changed",
            "An administrator runs:\n" + requirements.statements(lacking, account, holdings), "tables_hidden",
        )  # fmt: skip
    raise Failed(
        f"{db.schema} has no table {', '.join(missing)}; nothing was changed",
        "Create them first: `rlops migrate`.",
        "no_table",
    )


def _step(db: Database, sql: SqlFolder, compared: Comparison) -> Step:
    account = _account(sql)
    names = {"privileges": Keywords(compared.missing), "schema": db.schema, "table": compared.table}
    statement = sql.statement("grant/010_grant", names, {"user": account.user, "host": account.host})
    return Step(f"grant {', '.join(compared.missing)} on {compared.table}", statement)


def _compare(db: Database, sql: SqlFolder, held: Holdings, table: str) -> Comparison:
    direct = [grant for grant in held.on_table(db.schema, table) if grant.role is None]
    missing = tuple(p for p in sql.policy.grants.privileges if not any(grant.gives(p) for grant in direct))
    return Comparison(table, tuple(_expanded(db, direct)), missing)


def _findings(db: Database, sql: SqlFolder, held: Holdings, names: list[str]) -> list[Finding]:
    found = []
    for name in names:
        compared = _compare(db, sql, held, name)
        if compared.missing:
            expected, actual = ", ".join(sql.policy.grants.privileges), ", ".join(compared.held) or "none"
            hint = f"GRANT {', '.join(compared.missing)} ON {quote(db.schema)}.{quote(name)} TO {_account(sql)}"
            found.append(Finding("grant", name, expected, actual, hint))
    return found + _excess(db, sql, held, names)


def _excess(db: Database, sql: SqlFolder, held: Holdings, names: list[str] | None = None) -> list[Finding]:
    wanted = (
        {ALL, *sql.policy.grants.privileges}
        if ALL in sql.policy.grants.privileges
        else set(sql.policy.grants.privileges)
    )
    return [
        Finding(check, name, "none", actual + (f", through the role {grant.role}" if grant.role else ""), hint)
        for name in names or declared.names(sql)
        for grant in held.on_table(db.schema, name)
        for check, actual, hint in _excess_of(db, sql, grant, name, wanted)
    ]


def _excess_of(
    db: Database, sql: SqlFolder, grant: Grant, table: str, wanted: set[str]
) -> Iterator[tuple[str, str, str]]:
    """Each kind of excess in one grant: its check, what is held, and the statement that mends it."""
    end = f"ON {quote(db.schema)}.{quote(table)} FROM {grant.role or _account(sql)}"
    whole = [p for p in _expanded(db, [grant]) if p not in wanted and p != GRANT_OPTION and ALL not in wanted]
    if whole:
        yield "excess grant", ", ".join(whole), f"REVOKE {', '.join(whole)} {end}"
    if GRANT_OPTION in grant.privileges and GRANT_OPTION not in wanted:
        yield "grant option", GRANT_OPTION, f"REVOKE GRANT OPTION {end}"
    if grant.columns:
        shown = [f"{privilege} ({', '.join(map(quote, columns))})" for privilege, columns in grant.columns.items()]
        yield "column grant", ", ".join(shown), f"REVOKE {', '.join(shown)} {end}"


def _expanded(db: Database, grants: Iterable[Grant]) -> list[str]:
    known = privileges.on_table(db)
    held = {p for grant in grants for p in (*grant.privileges, *(known if ALL in grant.privileges else ()))} - {ALL}
    return sorted(held, key=lambda p: (known.index(p) if p in known else len(known), p))


def _words(db: Database, grants: Iterable[Grant]) -> str:
    listed = list(grants)
    columns = [f"{privilege} ({', '.join(names)})" for grant in listed for privilege, names in grant.columns.items()]
    return ", ".join([*_expanded(db, listed), *columns])


def _notes(db: Database, sql: SqlFolder, held: Holdings) -> tuple[str, ...]:
    excess = _excess(db, sql, held)
    notes = [f"in excess: {f.actual} on {f.object}; `rlops grant --check` shows the REVOKE" for f in excess]
    return (*notes, *_wider(db, held))


def _wider(db: Database, held: Holdings) -> list[str]:
    """What is held on the whole schema or server: worth knowing, and not ours to judge."""
    notes = []
    for grants, on in (
        (held.on_server(), "the whole server"),
        (held.on_schema(db.schema), f"the whole schema {db.schema}"),
    ):
        for grant in grants:
            if grant.privileges:
                words = ALL if ALL in grant.privileges else ", ".join(sorted(grant.privileges))
                through = f", through the role {grant.role}" if grant.role else ""
                notes.append(f"the account also holds {words} on {on}{through}")
    return notes
