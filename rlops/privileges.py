"""What an account may do: asks the server for its grants and roles; holdings.py takes the answers apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from rlops.db import Database, Forbidden, ServerError
from rlops.errors import Denied, Failed
from rlops.holdings import NAME, ON_TABLE, Account, Holdings, parse, roles_in, unquoted
from rlops.sqlfiles import quote

NO_ACCOUNT = {1141, 1133}  # MySQL and MariaDB; seekdb
UNREADABLE = 1064  # seekdb can't parse its own query for a name with a backtick in it

ON_TABLE_MARIADB = (*ON_TABLE, "DELETE HISTORY")

_DEFAULTS = (
    "SELECT DEFAULT_ROLE_USER AS user, DEFAULT_ROLE_HOST AS host FROM mysql.default_roles WHERE USER = %s AND HOST = %s"
)
_MY_DEFAULTS = (
    "SELECT ROLE_NAME AS user, ROLE_HOST AS host FROM information_schema.APPLICABLE_ROLES WHERE IS_DEFAULT = 'YES'"
)

_PART = rf"""{NAME}|'[^']*'|"[^"]*"|[^\s,@'"`]+"""  # of an account's name in @@mandatory_roles
_MANDATORY = re.compile(rf"({_PART})(?:@({_PART}))?")


def held_by(db: Database, account: Account) -> Holdings | None:
    """What an account or a role holds itself and through roles, active or not; None when there is no such account.

    Roles are those granted to it, MySQL's mandatory_roles and MariaDB's PUBLIC, which nobody is granted and all have.
    Raises Denied when this session may not see it, Failed where the server can't show it.
    """
    return _held(db, account, lambda found: _with_roles(db, found, (*found.roles, *_everybody_s_roles(db))))


def held_as_definer(db: Database, account: Account) -> Holdings | None:
    """What counts of that where a trigger runs as the account; raises as held_by does.

    Measured: of roles MySQL counts the default ones alone, whatever activate_all_roles_on_login says; MariaDB PUBLIC alone.
    """
    return _held(db, account, lambda found: _with_definers_roles(db, account, found))


def _held(db: Database, account: Account, with_roles: Callable[[Holdings], Holdings]) -> Holdings | None:
    name, values = ("%s", (account.user,)) if account.host is None else ("%s@%s", (account.user, account.host))
    try:
        found = parse(_show(db, f"SHOW GRANTS FOR {name}", values), account if account.host is None else None)
        found = replace(found, grants=tuple(replace(grant, role=None) for grant in found.grants))
        return _settled(db, with_roles(found))
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
    return roles_in(text)


def _everybody_s_roles(db: Database) -> list[Account]:
    if db.family == "mariadb":
        return [Account("PUBLIC", None)]
    row = db.row("SHOW GLOBAL VARIABLES LIKE 'mandatory_roles'") if db.family == "mysql" else None
    return [Account(_bare(n), _bare(h) or "%") for n, h in _MANDATORY.findall(row["Value"])] if row else []


def _bare(part: str) -> str:
    return unquoted(part) if part[:1] == "`" else part.strip("'\"")


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


def _with_definers_roles(db: Database, account: Account, found: Holdings) -> Holdings:
    if db.family != "mysql":
        return _with_roles(db, found, _everybody_s_roles(db))
    granted = (*found.roles, *_everybody_s_roles(db))
    roles = [role for role in _default_roles(db, account) if role in granted] if granted else []
    if not roles:
        return found
    # Who may not see what a role holds sees it so.
    using = ", ".join(f"{quote(role.user)}@{quote(role.host or '%')}" for role in roles).replace("%", "%%")
    return parse(_show(db, f"SHOW GRANTS FOR %s@%s USING {using}", (account.user, account.host or "%")))


def _default_roles(db: Database, account: Account) -> list[Account]:
    me = current(db)
    try:
        rows = db.rows(_MY_DEFAULTS) if account == me else db.rows(_DEFAULTS, (account.user, account.host))
    except Forbidden as error:
        problem = f"this account may not see the default roles of {account} ({error.text})"
        raise Denied(problem, f"GRANT SELECT ON mysql.default_roles TO {me}", "grants_hidden") from error
    return [Account(row["user"], row["host"]) for row in rows]


def _settled(db: Database, holdings: Holdings) -> Holdings:
    rows = db.rows("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('lower_case_table_names', 'partial_revokes')")
    values = {row["Variable_name"]: row["Value"] for row in rows}
    return replace(
        holdings, folds=values.get("lower_case_table_names") != "0", literal=values.get("partial_revokes") == "ON"
    )


def _show(db: Database, sql: str, values: tuple[str, ...] | None = None) -> list[str]:
    return [str(next(iter(row.values()))) for row in db.rows(sql, values)]
