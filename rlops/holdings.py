"""What SHOW GRANTS says, taken apart: who holds which privilege on what, for MySQL, MariaDB, OceanBase's seekdb and TiDB."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

ALL = "ALL PRIVILEGES"
GRANT_OPTION = "GRANT OPTION"

# What ALL PRIVILEGES on one table stands for.
ON_TABLE = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "CREATE VIEW", "SHOW VIEW", "TRIGGER",
)  # fmt: skip

NAME = r"`(?:[^`]|``)*`"
_GRANT = re.compile(
    rf"(?P<verb>GRANT|REVOKE) (?P<privileges>(?:{NAME}|[^`])+?)"
    rf" ON (?:\*\.\*|(?P<schema>{NAME})\.(?:\*|(?P<table>{NAME})))"
    rf" (?:TO|FROM) (?:(?P<public>PUBLIC)|(?P<to>{NAME})(?:@{NAME})?)(?P<rest>.*)",
    re.DOTALL,
)
# seekdb and TiDB name the grantee in quotes; seekdb doubles no backticks.
_GRANT_QUOTED = re.compile(
    r"(?P<verb>GRANT) (?P<privileges>.+?) ON (?:\*\.\*|(?P<schema>`.+?`)\.(?:\*|(?P<table>`.+`))) TO '.*'(?P<rest>[^']*)",
    re.DOTALL,
)
_ROLES = re.compile(rf"GRANT (?P<roles>{NAME}(?:@{NAME})?(?:, ?{NAME}(?:@{NAME})?)*) TO ")
_ROLE = re.compile(rf"({NAME})(?:@({NAME}))?")
# TiDB's quotes aren't doubled: a role's name ends where its host begins.
_ROLES_TIDB = re.compile(r"GRANT (?P<roles>'.*?'@'[^']*'(?:, '.*?'@'[^']*')*) TO '")
_ROLE_TIDB = re.compile(r"'(.*?)'@'([^']*)'(?:, |$)")
_PRIVILEGE = re.compile(rf"\s*([A-Z][A-Z0-9_ ]*?)\s*(?:\(((?:{NAME}|[^`)])*)\))?\s*(?:,|$)")


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
        return like(schema, pattern, folds=self.folds)


def like(text: str, pattern: str, *, folds: bool = False) -> bool:
    """Whether a text fits a pattern as LIKE takes it: %, _ and what a backslash makes plain."""
    wild = {"%": ".*", "_": "."}
    parts = (
        re.escape(p[1]) if len(p) == 2 else wild.get(p, re.escape(p)) for p in re.findall(r"\\.|.", pattern, re.DOTALL)
    )
    return re.fullmatch("".join(parts), text, re.DOTALL | (re.IGNORECASE if folds else 0)) is not None


def parse(lines: Iterable[str], role: Account | None = None) -> Holdings:
    """Read SHOW GRANTS; lines about routines, proxies and default roles are passed over."""
    grants: list[Grant] = []
    roles: list[Account] = []
    for line in lines:
        if match := _ROLES.match(line):
            roles += roles_in(match["roles"])
        elif match := _ROLES_TIDB.match(line):
            roles += [Account(n, h) for n, h in _ROLE_TIDB.findall(match["roles"])]
        elif match := _GRANT.fullmatch(line):
            # MariaDB lists what a role inside this role holds as well.
            if role is None or (match["public"] or unquoted(match["to"])) == role.user:
                grants.append(_grant(match, role))
        elif match := _GRANT_QUOTED.fullmatch(line):
            grants.append(_grant(match, role))
    return Holdings(tuple(grants), tuple(roles))


def roles_in(text: str) -> list[Account]:
    """The roles of a list of quoted names, as GRANT and CURRENT_ROLE() write it; MariaDB's have no host."""
    return [Account(unquoted(n), unquoted(h) if h else None) for n, h in _ROLE.findall(text)]


def unquoted(name: str) -> str:
    """A name without its backticks."""
    return name[1:-1].replace("``", "`")


def _grant(match: re.Match[str], role: Account | None) -> Grant:
    whole: set[str] = set()
    columns: dict[str, tuple[str, ...]] = {}
    for privilege, listed in _PRIVILEGE.findall(match["privileges"]):
        if listed:
            # TiDB quotes none of them.
            columns[privilege] = tuple(unquoted(n) for n in re.findall(NAME, listed)) or tuple(
                re.split(r",\s*", listed)
            )
        elif privilege != "USAGE":
            whole.add(ALL if privilege == "ALL" else privilege)
    if GRANT_OPTION in match["rest"]:
        whole.add(GRANT_OPTION)
    schema, table = match["schema"], match["table"]
    return Grant(
        frozenset(whole),
        unquoted(schema) if schema else None,
        unquoted(table) if table else None,
        columns,
        match["verb"] == "REVOKE",
        role,
    )


def _specific(pattern: str | None) -> int:
    """Characters before the first wildcard; a name without one is the most specific."""
    parts = re.findall(r"\\.|.", pattern or "", re.DOTALL)
    return next((n for n, part in enumerate(parts) if part in "%_"), 1_000)


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
