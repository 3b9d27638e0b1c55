"""Give the application account what policy.toml declares on the three tables; on request create it, or revoke the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rlops import privileges
from rlops.db import Database
from rlops.errors import Denied, Exit, Failed
from rlops.holdings import GRANT_OPTION, Account, Holdings
from rlops.ops import declared, grant_account, grant_compare, grant_logins, requirements
from rlops.ops.grant_compare import Excess
from rlops.plan import Answer, Plan, Step
from rlops.settings import Secret
from rlops.sqlfiles import Keywords, SqlFolder
from rlops.structure import Finding
from rlops.words import counted


@dataclass(frozen=True)
class Wish:
    """What is wanted beyond the missing grants. `password` is for a new account; without one it is generated.

    A `dry_run` is planned even where this session's account could not carry it out.
    """

    create_user: bool = False
    password: Secret | None = None
    revoke_excess: bool = False
    dry_run: bool = False

    @property
    def command(self) -> str:
        """The command to type for it."""
        flags = ((self.create_user, "--create-user"), (self.revoke_excess, "--revoke-excess"))
        return " ".join(["rlops grant", *(flag for wanted, flag in flags if wanted)])


NOTHING_MORE = Wish()


def plan(db: Database, sql: SqlFolder, wish: Wish = NOTHING_MORE) -> Plan:
    """Plan the account if it is wanted and missing, the missing grants, and what is to be revoked.

    Raises Failed when a table or the account doesn't exist; Denied when this session may not see them, or lacks a
    privilege that only this wish needs; Usage when a role is to be created.
    """
    _refuse_absent(db, sql)
    account = grant_compare.account(db, sql)
    held = privileges.held_by(db, account)
    if held is None and not wish.create_user:
        raise Failed(
            f"the application account {account} does not exist; nothing was changed",
            "\n".join([f"{grant_account.how_to_create(account)}; then `rlops grant`.", *grant_logins.notes(db, account)]),
            "no_account",
        )  # fmt: skip
    password = wish.password or grant_account.generate()
    created = (grant_account.create(sql, account, password),) if held is None else ()
    held = held or Holdings()
    compared = grant_compare.compare(db, sql, held)
    surplus = [each for each in _own_excess(db, sql, held) if wish.revoke_excess]
    grants = (_step(db, sql, "grant", each.table, each.missing) for each in compared if each.missing)
    revokes = (_step(db, sql, "revoke", each.table, each.words) for each in surplus)
    denied = _denied(db, sql, wish, create=bool(created), surplus=surplus)
    if denied and not wish.dry_run:
        raise denied
    return Plan(
        "grant", (*created, *grants, *revokes), {"account": str(account), "tables": [asdict(each) for each in compared]},
        (*([denied.message] if denied else []), *_notes(db, sql, held, wish, exists=not created)),
        question=f"This revokes {'; '.join(f'{_listed(each)} on {each.table}' for each in surplus)} from {account}." if surplus else "",
        again=wish.command, account=grant_account.told(password) if wish.password is None else None,
    )  # fmt: skip


def verify(db: Database, sql: SqlFolder, answer: Answer, wish: Wish = NOTHING_MORE) -> Answer:
    """Read the grants again after the run."""
    account = grant_compare.account(db, sql)
    held = privileges.held_by(db, account) or Holdings()
    compared = grant_compare.compare(db, sql, held)
    data = {**answer.data, "tables": [asdict(each) for each in compared]}
    left = [f"lacks {', '.join(each.missing)} on {each.table}" for each in compared if each.missing]
    if wish.revoke_excess:
        left += [f"has {_listed(each)} on {each.table}" for each in _own_excess(db, sql, held)]
    created = any(step.file == grant_account.FILE for step in answer.steps)
    answer = replace(answer, data=data, notes=(*answer.notes, *_notes(db, sql, held, wish, exists=not created)))
    if left:
        error = Failed(
            f"after the run SHOW GRANTS still {'; '.join(left)}: {account} is not as declared",
            "rlops grant --check",
            "not_verified",
        )
        return replace(answer, exit=Exit.FAILED, error=error)
    if not answer.steps:
        return replace(answer, headline=f"Nothing to do: {account} holds what is declared.")
    done = "Created, granted" if created else "Done"
    return replace(
        answer, headline=f"{done}, and read back by SHOW GRANTS: {account} holds what is declared.", next="rlops verify"
    )


def check(db: Database, sql: SqlFolder) -> Answer:
    """What is missing or in excess, tables and account included. Raises Denied when this session may not see them."""
    absent = _absent(db, sql)
    account = grant_compare.account(db, sql)
    held = privileges.held_by(db, account)
    found = [Finding("table", name, "a table", "absent", "rlops migrate") for name in absent]
    compared_findings, notes = _compared(db, sql, held, absent)
    found += compared_findings
    headline = (
        f"{counted(len(found), 'difference')} for {account}" if found else f"{account} holds exactly what is declared."
    )
    compared = grant_compare.compare(db, sql, held or Holdings())
    return Answer(
        "grant", Exit.FINDINGS if found else Exit.OK,
        {"account": str(account), "tables": [asdict(each) for each in compared], "findings": [asdict(f) for f in found]},
        notes=tuple(notes), headline=headline, next=_next([finding.check for finding in found], _own_excess(db, sql, held or Holdings())),
    )  # fmt: skip


def findings(db: Database, sql: SqlFolder) -> tuple[list[dict[str, Any]], list[str]]:
    """For `verify`: the findings, and notes. Tables that don't exist are left to verify's own findings.

    What this session may not see is a note that begins with "denied".
    """
    try:
        held = privileges.held_by(db, grant_compare.account(db, sql))
    except Denied as error:
        return [], [f"denied: {error.message}, so its grants were not compared; {error.hint}"]
    found, notes = _compared(db, sql, held, grant_compare.absent(db, sql))
    return [asdict(each) for each in found], notes


def _compared(
    db: Database, sql: SqlFolder, held: Holdings | None, absent: Sequence[str]
) -> tuple[list[Finding], list[str]]:
    account = grant_compare.account(db, sql)
    if held is None:
        finding = Finding("account", str(account), "an account", "absent", grant_account.statement(account))
        return [finding], grant_logins.notes(db, account)
    present = [name for name in declared.names(sql) if name not in absent]
    notes = [
        *grant_compare.left_over(db, sql, held, absent),
        *grant_compare.wider(db, held),
        *grant_logins.notes(db, account),
    ]
    return grant_compare.findings(db, sql, held, present), notes


def _next(checks: Sequence[str], revocable: Sequence[Excess]) -> str:
    if "table" in checks:
        return "rlops migrate"
    if "account" in checks:
        return "rlops grant --create-user"
    if "grant" in checks:
        return "rlops grant"
    return "rlops grant --revoke-excess --dry-run" if revocable else ""


def _absent(db: Database, sql: SqlFolder) -> list[str]:
    """The tables that don't exist. Raises Denied for those of which this session can't know."""
    absent = grant_compare.absent(db, sql)
    holdings = privileges.own(db) if absent else Holdings()
    hidden = [name for name in absent if not holdings.sees(db.schema, name)]
    if hidden:
        lacking: requirements.Lacking = {
            (db.schema, name): [*("SELECT", "INSERT", "UPDATE", "DELETE"), GRANT_OPTION] for name in hidden
        }
        account = privileges.current(db)
        raise Denied(
            f"{account} holds nothing on {', '.join(hidden)}, so whether they exist can't be seen; nothing was changed",
            "An administrator runs:\n" + requirements.statements(lacking, account, holdings), "tables_hidden",
        )  # fmt: skip
    return absent


def _refuse_absent(db: Database, sql: SqlFolder) -> None:
    absent = _absent(db, sql)
    if absent:
        raise Failed(
            f"{db.schema} has no table {', '.join(absent)}; nothing was changed",
            "Create them first: `rlops migrate`.",
            "no_table",
        )


def _own_excess(db: Database, sql: SqlFolder, held: Holdings) -> list[Excess]:
    return [each for each in grant_compare.excess(db, sql, held) if each.role is None]


def _step(db: Database, sql: SqlFolder, verb: str, table: str, words: Sequence[str]) -> Step:
    account = grant_compare.account(db, sql)
    files = {"grant": ("010_grant", "015_grant_to_role"), "revoke": ("020_revoke", "025_revoke_from_role")}[verb]
    names = {"privileges": Keywords(tuple(words)), "schema": db.schema, "table": table}
    values = {"user": account.user, "host": account.host}
    statement = sql.statement(f"grant/{files[account.host is None]}", names, values)
    return Step(f"{verb} {', '.join(words)} on {table}", statement, repeatable=verb == "grant")


def _listed(each: Excess) -> str:
    return ", ".join(each.words)


def _denied(db: Database, sql: SqlFolder, wish: Wish, *, create: bool, surplus: Sequence[Excess]) -> Denied | None:
    """What this session's account lacks for this very plan: it can revoke what it could grant."""
    if not create and not surplus:
        return None
    holdings = privileges.own(db)
    lacking = requirements.lacking(db, requirements.needs("grant --create-user", db), holdings, sql) if create else {}
    for each in surplus:
        for privilege in (*(word.partition(" (")[0] for word in each.words), GRANT_OPTION):
            if not holdings.has(privilege, db.schema, each.table):
                listed = lacking.setdefault((db.schema, each.table), [])
                listed += [] if privilege in listed else [privilege]
    return requirements.denied(db, wish.command.removeprefix("rlops "), lacking, holdings)


def _notes(db: Database, sql: SqlFolder, held: Holdings, wish: Wish, *, exists: bool) -> tuple[str, ...]:
    notes = []
    account: Account = grant_compare.account(db, sql)
    if wish.create_user and exists:
        notes.append(
            f"{account} exists and is left as it is; a password that nobody noted is replaced by"
            f" ALTER USER {account} IDENTIFIED BY '…'"
        )
    for each in grant_compare.excess(db, sql, held):
        if each.role is None and wish.revoke_excess:
            continue
        how = "`rlops grant --revoke-excess` takes it" if each.role is None else "a role is never touched"
        notes.append(f"in excess: {grant_compare.shown(each)} on {each.table}; {how}, --check shows the REVOKE")
    return (*notes, *grant_compare.wider(db, held), *grant_logins.notes(db, account))
