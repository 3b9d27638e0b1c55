"""What the application account holds on the three tables, against what policy.toml declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rlops import facts, privileges
from rlops.db import Database
from rlops.holdings import ALL, GRANT_OPTION, Account, Grant, Holdings
from rlops.ops import declared
from rlops.sqlfiles import SqlFolder, quote
from rlops.structure import Finding


@dataclass(frozen=True)
class Comparison:
    """The application account's privileges on one table: declared, held by a grant on the table, missing."""

    table: str
    held: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Excess:
    """Privileges beyond what is declared on one table, as GRANT and REVOKE write them; `role` is who really holds them."""

    check: str
    table: str
    words: tuple[str, ...]
    role: Account | None


def account(db: Database, sql: SqlFolder) -> Account:
    """The application account of the policy; on MariaDB an empty host names a role."""
    grants = sql.policy.grants
    return Account(grants.user, None if db.family == "mariadb" and not grants.host else grants.host)


def absent(db: Database, sql: SqlFolder) -> list[str]:
    """The tables that don't exist, or that this session may not see."""
    live = {name.lower() for name in facts.tables(db)}
    return [name for name in declared.names(sql) if name.lower() not in live]


def compare(db: Database, sql: SqlFolder, held: Holdings) -> list[Comparison]:
    """The comparison of each of the three tables; what comes through a role is not held here."""
    found = []
    for table in declared.names(sql):
        direct = [grant for grant in held.on_table(db.schema, table) if grant.role is None]
        missing = tuple(p for p in sql.policy.grants.privileges if not any(grant.gives(p) for grant in direct))
        found.append(Comparison(table, tuple(_expanded(db, direct)), missing))
    return found


def excess(db: Database, sql: SqlFolder, held: Holdings) -> list[Excess]:
    """What is held on the three tables beyond what is declared, by the account itself and through roles."""
    return [
        Excess(check, table, words, grant.role)
        for table in declared.names(sql)
        for grant in held.on_table(db.schema, table)
        for check, words in _excess_of(db, grant, set(sql.policy.grants.privileges))
    ]


def _excess_of(db: Database, grant: Grant, wanted: set[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    whole = [p for p in _expanded(db, [grant]) if p not in wanted and p != GRANT_OPTION and ALL not in wanted]
    if whole:
        yield "excess grant", tuple(whole)
    if GRANT_OPTION in grant.privileges and GRANT_OPTION not in wanted:
        yield "grant option", (GRANT_OPTION,)
    if grant.columns:
        yield "column grant", tuple(f"{p} ({', '.join(map(quote, columns))})" for p, columns in grant.columns.items())


def findings(db: Database, sql: SqlFolder, held: Holdings, names: Iterable[str]) -> list[Finding]:
    """What is missing and what is in excess on these tables, each with the statement that mends it."""
    app, wanted, those = account(db, sql), ", ".join(sql.policy.grants.privileges), set(names)

    def mended(verb: str, words: Iterable[str], table: str, whose: str) -> str:
        return f"{verb} {', '.join(words)} ON {quote(db.schema)}.{quote(table)} {whose}"

    missing = [
        Finding("grant", c.table, wanted, ", ".join(c.held) or "none", mended("GRANT", c.missing, c.table, f"TO {app}"))
        for c in compare(db, sql, held)
        if c.missing and c.table in those
    ]
    return missing + [
        Finding(e.check, e.table, "none", shown(e), mended("REVOKE", e.words, e.table, f"FROM {e.role or app}"))
        for e in excess(db, sql, held)
        if e.table in those
    ]


def shown(each: Excess) -> str:
    """What is in excess, for people."""
    return ", ".join(each.words) + (f", through the role {each.role}" if each.role else "")


def left_over(db: Database, sql: SqlFolder, held: Holdings, names: Iterable[str]) -> list[str]:
    """A note on grants on tables that don't exist: they survive a rename and a drop, and a new table gets them."""
    found = [(name, held.on_table(db.schema, name)) for name in names]
    kept = [f"{_words(db, grants)} on {name}" for name, grants in found if grants]
    if not kept:
        return []
    return [
        f"grants on tables that don't exist (after a rollback): {account(db, sql)} holds {'; '.join(kept)}."
        " A table of that name has them again: `rlops restore` or `rlops migrate` brings the tables back"
    ]


def wider(db: Database, held: Holdings) -> list[str]:
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


def _expanded(db: Database, grants: Iterable[Grant]) -> list[str]:
    known = privileges.on_table(db)
    held = {p for grant in grants for p in (*grant.privileges, *(known if ALL in grant.privileges else ()))} - {ALL}
    return sorted(held, key=lambda p: (known.index(p) if p in known else len(known), p))


def _words(db: Database, grants: Iterable[Grant]) -> str:
    listed = list(grants)
    columns = [f"{privilege} ({', '.join(names)})" for grant in listed for privilege, names in grant.columns.items()]
    return ", ".join([*_expanded(db, listed), *columns])
