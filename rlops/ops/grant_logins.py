"""Whether the application reaches the account that was granted: others of its name, a lock, an expired password."""

from __future__ import annotations

import re

from rlops.db import Database, ServerError
from rlops.holdings import Account


def notes(db: Database, account: Account) -> list[str]:
    """What keeps a login from being that account's; nothing where this session may not see it, or for a role."""
    if account.host is None:
        return []
    return [*_others(db, account), *_closed(db, account)]


def _others(db: Database, account: Account) -> list[str]:
    # The server takes the most specific host that fits: 'user'@'localhost' goes before 'user'@'%'.
    sql = "SELECT Host AS host FROM mysql.user WHERE User = %s AND Host <> %s AND Host <> '' ORDER BY Host"
    found = _rows(db, sql, (account.user, account.host))
    if not found:
        return []
    others = ", ".join(str(Account(account.user, str(row["host"]))) for row in found)
    return [
        f"also there: {others}. Who connects from such a host is that account and not {account},"
        " with grants of its own; sql/policy.toml says which one is looked at"
    ]


def _closed(db: Database, account: Account) -> list[str]:
    if db.family == "oceanbase":
        return []
    found = _rows(db, "SHOW CREATE USER %s@%s", (account.user, account.host))
    text = re.sub(r"'[^']*'", "", str(next(iter(found[0].values())))) if found else ""
    locked = re.search(r"\bACCOUNT LOCK\b", text)
    expired = re.search(r"\bPASSWORD EXPIRE\b(?! (?:DEFAULT|NEVER|INTERVAL))", text)
    return [
        *([f"{account} is locked: nobody can log in until ALTER USER {account} ACCOUNT UNLOCK"] if locked else []),
        *([f"the password of {account} has expired: it can do nothing until it gets another one"] if expired else []),
    ]


def _rows(db: Database, sql: str, values: tuple[str | None, ...]) -> list[dict[str, object]]:
    try:
        return db.rows(sql, values)
    except ServerError:
        return []
