"""The least-privileged operator account for each command, and one for all of them, as SQL to review and run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from rlops import facts, privileges
from rlops.db import Database
from rlops.holdings import Account, Grant, Holdings
from rlops.ops import declared, needs, requirements
from rlops.ops.requirements import Place
from rlops.plan import Answer
from rlops.sqlfiles import SqlFolder

ALL = "all commands"
PREFIX = "rlops_"


@dataclass(frozen=True)
class Operator:
    """The account for one command: the statements that make it, and those that only let the command tell more."""

    command: str
    account: str
    statements: tuple[str, ...]
    optional: tuple[dict[str, str], ...]


def accounts(db: Database, sql: SqlFolder, environment: str) -> Answer:
    """The accounts for the connected engine. Raises ServerError."""
    nothing = replace(privileges.own(db), grants=(), roles=())
    commands = needs.commands(environment)
    made = [_operator(db, sql, nothing, name, [name]) for name in commands]
    made.append(_operator(db, sql, nothing, ALL, commands))
    return Answer("doctor", data={"accounts": [asdict(each) for each in made], "advice": _advice(db, sql)})


def _operator(db: Database, sql: SqlFolder, nothing: Holdings, title: str, commands: Sequence[str]) -> Operator:
    name = "operator" if title == ALL else title.replace(" --", "_").replace("-", "_").replace(" ", "_")
    account = Account(PREFIX + name, "%")
    wanted = [need for command in commands for need in requirements.needs(command, db)]
    optional = dict.fromkeys(need for command in commands for need in requirements.needs(command, db, optional=True))

    required = requirements.lacking(db, wanted, nothing, sql)
    held = replace(nothing, grants=tuple(_grant(nothing, place, words) for place, words in required.items()))
    more = [(need.why, requirements.lacking(db, [need], held, sql)) for need in optional]
    return Operator(
        title, str(account),
        (f"CREATE USER {account} IDENTIFIED BY '…';", *requirements.statements(required, account, nothing).splitlines()),
        tuple({"why": why, "grant": requirements.statements(lacking, account, nothing)} for why, lacking in more if lacking),
    )  # fmt: skip


def _grant(nothing: Holdings, place: Place, words: Iterable[str]) -> Grant:
    schema, table = place
    return Grant(frozenset(words), nothing.pattern(schema) if schema and not table else schema, table)


def _advice(db: Database, sql: SqlFolder) -> list[str]:
    advice = ["put a password of your own for each …, and where the account logs in from for %"]
    there = {name.lower() for name in facts.tables(db)}
    missing = [name for name in declared.names(sql) if name.lower() not in there]
    if missing:
        advice += [
            f"not there yet, or not to be seen: {', '.join(missing)};",
            "a GRANT on a table that isn't there fails unless it gives CREATE, so run that after `rlops migrate`",
        ]
    return advice
