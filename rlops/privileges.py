"""What an account may do, read from SHOW GRANTS of MySQL, MariaDB, OceanBase's seekdb and TiDB."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from rlops.db import Database, Forbidden, ServerError
from rlops.errors import Denied, Failed
from rlops.sqlfiles import quote

ALL = "ALL PRIVILEGES"
GRANT_OPTION = "GRANT OPTION"
NO_ACCOUNT = {1141, 1133}  # MySQL and MariaDB; seekdb
UNREADABLE = 1064  # seekdb can't parse its own query for a name with a backtick in it

# What ALL PRIVILEGES on one table stands for.
ON_TABLE = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "CREATE VIEW", "SHOW VIEW", "TRIGGER",
)  # fmt: skip
ON_TABLE_MARIADB = (*ON_TABLE, "DELETE HISTORY")

_NAME = r"`(?:[^`]|``)*`"
_GRANT = re.compile(
    rf"(?P<verb>GRANT|REVOKE) (?P<privileges>(?:{_NAME}|[^`])+?)"
    rf" ON (?:\*\.\*|(?P<schema>{_NAME})\.(?:\*|(?P<table>{_NAME})))"
    rf" (?:TO|FROM) (?:(?P<public>PUBLIC)|(?P<to>{_NAME})(?:@{_NAME})?)(?P<rest>.*)",
    re.DOTALL,
)
# seekdb and TiDB name the grantee in quotes; seekdb doubles no backticks.
_GRANT_QUOTED = re.compile(
    r"(?P<verb>GRANT) (?P<privileges>.+?) ON (?:\*\.\*|(?P<schema>`.+?`)\.(?:\*|(?P<table>`.+`))) TO '.*'(?P<rest>[^']*)",
    re.DOTALL,
)
_ROLES = re.compile(rf"GRANT (?P<roles>{_NAME}(?:@{_NAME})?(?:, ?{_NAME}(?:@{_NAME})?)*) TO ")
_ROLE = re.compile(rf"({_NAME})(?:@({_NAME}))?")
# TiDB's quotes aren't doubled: a role's name ends where its host begins.
_ROLES_TIDB = re.compile(r"GRANT (?P<roles>'.*?'@'[^']*'(?:, '.*?'@'[^']*')*) TO '")
_ROLE_TIDB = re.compile(r"'(.*?)'@'([^']*)'(?:, |$)")
_PART = rf"""{_NAME}|'[^']*'|"[^"]*"|[^\s,@'"`]+"""  # of an account's name in @@mandatory_roles
_MANDATORY = re.compile(rf"({_PART})(?:@({_PART}))?")
_PRIVILEGE = re.compile(rf"\s*([A-Z][A-Z0-9_ ]*?)\s*(?:\(((?:{_NAME}|[^`)])*)\))?\s*(?:,|$)")


@dataclass(frozen=True)
class Account:
    """'user'@'host'; a role of MariaDB's has no host."""

    user: str
    host: str | None

    def __str__(self) -> str:
        return _literal(self.user) + (f"@{_literal(self.host)}" if self.host is not None else "")


@dataclass(frozen=True)
class Grant:
    """One line of SHOW GRANTS. No schema: the whole server; no table: the whole schema, named by a pattern.

    `columns` are privileges on some columns only. `role` is the role that holds it, None for the account itself.
    """

    privileges: frozenset[str]
    schema: str | None = None
    table: str | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    revoked: bool = False
    role: Account | None = None

    def gives(self, privilege: str) -> bool:
        """Whether the privilege is among them; ALL PRIVILEGES does not include GRANT OPTION."""
        return privilege in self.privileges or (ALL in self.privileges and privilege != GRANT_OPTION)


@dataclass(frozen=True)
class Holdings:
    """All that an account holds, and the roles granted to it.

    `folds`: the server compares names of schemas and tables without case. `literal`: it takes the name of a schema in
    a grant as it is written, not as a pattern (MySQL's partial_revokes).
    """

    grants: tuple[Grant, ...] = ()
    roles: tuple[Account, ...] = ()
    folds: bool = False
    literal: bool = False

    def has(self, privilege: str, schema: str | None = None, table: str | None = None) -> bool:
        """Whether the account has that privilege on a table, a schema, or (without both) the server, at any level."""
        if any(g.gives(privilege) for g in self.on_server()):
            revoked = (g for g in self.grants if g.revoked and schema is not None and self._same(g.schema, schema))
            if not any(g.gives(privilege) for g in revoked):
                return True
        if schema is None:
            return False
        return any(
            g.gives(privilege) for g in (*self.on_schema(schema), *(self.on_table(schema, table) if table else ()))
        )

    def sees(self, schema: str, table: str) -> bool:
        """Whether the account holds anything on that table, without which the server hides it."""
        return any(g.privileges or g.columns for g in self.on_table(schema, table)) or any(
            self.has(p, schema) for p in ON_TABLE
        )

    def on_server(self) -> list[Grant]:
        """What is held on the whole server."""
        return [g for g in self.grants if g.schema is None]

    def on_schema(self, schema: str) -> list[Grant]:
        """What is held on the whole schema. The server takes one pattern alone, the most specific that matches."""
        matching = [
            g
            for g in self.grants
            if g.schema is not None and g.table is None and not g.revoked and self._covers(g.schema, schema)
        ]
        best = {
            role: max(_specific(g.schema) for g in matching if g.role == role) for role in {g.role for g in matching}
        }
        return [g for g in matching if _specific(g.schema) == best[g.role]]

    def on_table(self, schema: str, table: str) -> list[Grant]:
        """What is held on that very table; names are no patterns there."""
        return [
            g
            for g in self.grants
            if g.table is not None and self._same(g.schema, schema) and self._same(g.table, table)
        ]

    def pattern(self, schema: str) -> str:
        """The schema's name as a GRANT on the whole schema has to write it."""
        return schema if self.literal else re.sub(r"([\\_%])", r"\\\1", schema)

    def _same(self, one: str | None, other: str) -> bool:
        return one is not None and (one == other or (self.folds and one.lower() == other.lower()))

    def _covers(self, pattern: str, schema: str) -> bool:
        if self.literal:
            return self._same(pattern, schema)
        wild = {"%": ".*", "_": "."}
        parts = (
            re.escape(p[1]) if len(p) == 2 else wild.get(p, re.escape(p))
            for p in re.findall(r"\\.|.", pattern, re.DOTALL)
        )
        return re.fullmatch("".join(parts), schema, re.DOTALL | (re.IGNORECASE if self.folds else 0)) is not None


def parse(lines: Iterable[str], role: Account | None = None) -> Holdings:
    """Read SHOW GRANTS; lines about routines, proxies and default roles are passed over."""
    grants: list[Grant] = []
    roles: list[Account] = []
    for line in lines:
        if match := _ROLES.match(line):
            roles += [Account(_name(n), _name(h) if h else None) for n, h in _ROLE.findall(match["roles"])]
        elif match := _ROLES_TIDB.match(line):
            roles += [Account(n, h) for n, h in _ROLE_TIDB.findall(match["roles"])]
        elif match := _GRANT.fullmatch(line):
            # MariaDB lists what a role inside this role holds as well.
            if role is None or (match["public"] or _name(match["to"])) == role.user:
                grants.append(_grant(match, role))
        elif match := _GRANT_QUOTED.fullmatch(line):
            grants.append(_grant(match, role))
    return Holdings(tuple(grants), tuple(roles))


def held_by(db: Database, account: Account) -> Holdings | None:
    """What an account or a role holds itself and through roles, active or not; None when there is no such account.

    Roles are those granted to it, MySQL's mandatory_roles and MariaDB's PUBLIC, which nobody is granted and all have.
    Raises Denied when this session may not see it, Failed where the server can't show it.
    """
    name, values = ("%s", (account.user,)) if account.host is None else ("%s@%s", (account.user, account.host))
    try:
        found = parse(_show(db, f"SHOW GRANTS FOR {name}", values), account if account.host is None else None)
        found = replace(found, grants=tuple(replace(grant, role=None) for grant in found.grants))
        return _settled(db, _with_roles(db, found, (*found.roles, *_everybody_s_roles(db))))
    except Forbidden as error:
        where = "mysql.*" if db.family in ("mariadb", "tidb") else "mysql.user"
        raise Denied(
            f"this account may not see what {account} holds ({error.text})",
            f"GRANT SELECT ON {where} TO {current(db)}",
            "grants_hidden",
        ) from error
    except ServerError as error:
        if error.number in NO_ACCOUNT:
            return None
        if error.number == UNREADABLE:
            raise Failed(
                f"{db.engine} can't show the grants of {account}", "Use an account without a backtick in its name."
            ) from error
        raise


def own(db: Database) -> Holdings:
    """What this session's account may do now, with its active roles. Raises ServerError."""
    found = parse(_show(db, "SHOW GRANTS"))
    if db.family == "oceanbase":  # its SHOW GRANTS leaves out what active roles hold, and often forbids looking
        with suppress(Forbidden):
            found = _with_roles(db, found, _active_roles(db))
    return _settled(db, found)


def current(db: Database) -> Account:
    """The account that the server took this session for."""
    user, _, host = str(db.value("SELECT CURRENT_USER()")).rpartition("@")
    return Account(user, host)


def inactive_roles(db: Database, holdings: Holdings) -> list[Account]:
    """Roles that this session's account has and that are not active, so that what they hold doesn't count."""
    active = _active_roles(db) if holdings.roles else []
    if active and db.family == "mariadb":  # one at a time, and SHOW GRANTS lists those inside it too
        return []
    return [role for role in holdings.roles if role not in active]


def on_table(db: Database) -> tuple[str, ...]:
    """The privileges that ALL PRIVILEGES on a table stands for on this engine."""
    return ON_TABLE_MARIADB if db.family == "mariadb" else ON_TABLE


def _active_roles(db: Database) -> list[Account]:
    text = str(db.value("SELECT CURRENT_ROLE()") or "NONE")
    if db.family == "mariadb":
        return [] if text == "NONE" else [Account(text, None)]
    return [Account(_name(n), _name(h) if h else None) for n, h in _ROLE.findall(text)]


def _everybody_s_roles(db: Database) -> list[Account]:
    if db.family == "mariadb":
        return [Account("PUBLIC", None)]
    row = db.row("SHOW GLOBAL VARIABLES LIKE 'mandatory_roles'") if db.family == "mysql" else None
    return [Account(_bare(n), _bare(h) or "%") for n, h in _MANDATORY.findall(row["Value"])] if row else []


def _bare(part: str) -> str:
    return _name(part) if part[:1] == "`" else part.strip("'\"")


def _with_roles(db: Database, found: Holdings, roles: Iterable[Account]) -> Holdings:
    grants, waiting, seen = list(found.grants), list(roles), set()
    while waiting:
        role = waiting.pop()
        if role in seen:
            continue
        seen.add(role)
        name = quote(role.user) + (f"@{quote(role.host)}" if role.host is not None else "")
        try:
            its = parse(_show(db, f"SHOW GRANTS FOR {name}"), role)
        except ServerError as error:
            if error.number in NO_ACCOUNT:  # a mandatory role that was never made; PUBLIC without a grant
                continue
            raise
        grants += its.grants
        waiting += its.roles
    return replace(found, grants=tuple(grants))


def _settled(db: Database, holdings: Holdings) -> Holdings:
    rows = db.rows("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('lower_case_table_names', 'partial_revokes')")
    values = {row["Variable_name"]: row["Value"] for row in rows}
    return replace(
        holdings, folds=values.get("lower_case_table_names") != "0", literal=values.get("partial_revokes") == "ON"
    )


def _show(db: Database, sql: str, values: tuple[str, ...] | None = None) -> list[str]:
    return [str(next(iter(row.values()))) for row in db.rows(sql, values)]


def _grant(match: re.Match[str], role: Account | None) -> Grant:
    whole: set[str] = set()
    columns: dict[str, tuple[str, ...]] = {}
    for privilege, listed in _PRIVILEGE.findall(match["privileges"]):
        if listed:
            # TiDB quotes none of them.
            columns[privilege] = tuple(_name(n) for n in re.findall(_NAME, listed)) or tuple(re.split(r",\s*", listed))
        elif privilege != "USAGE":
            whole.add(ALL if privilege == "ALL" else privilege)
    if GRANT_OPTION in match["rest"]:
        whole.add(GRANT_OPTION)
    schema, table = match["schema"], match["table"]
    return Grant(
        frozenset(whole),
        _name(schema) if schema else None,
        _name(table) if table else None,
        columns,
        match["verb"] == "REVOKE",
        role,
    )


def _specific(pattern: str | None) -> int:
    """Characters before the first wildcard; a name without one is the most specific."""
    parts = re.findall(r"\\.|.", pattern or "", re.DOTALL)
    return next((n for n, part in enumerate(parts) if part in "%_"), 1_000)


def _name(quoted: str) -> str:
    return quoted[1:-1].replace("``", "`")


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
