"""Which engine and version a server is, and what that family can do: a table, not classes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Family = Literal["mysql", "mariadb", "oceanbase", "tidb", "vitess"]

SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"


@dataclass(frozen=True)
class Capabilities:
    """What a family of engines can do, and by what means.

    `run_lock`: "get_lock" (freed by the server with its connection) or "lease" (a row; GET_LOCK outlives a lost
    connection there). `statement_limit`: the session variable that bounds a statement's time, and how many of its
    units make a second. `metadata_locks`: whether a DDL waits for open transactions. `looks`: what long work looks at
    before each chunk, of those in throttle.py; the statements are in sql/throttle/.
    """

    run_lock: Literal["get_lock", "lease"]
    statement_limit: tuple[str, int] | None
    session: tuple[str, ...]
    supported: bool = True
    metadata_locks: bool = True
    looks: tuple[str, ...] = ("replicas", "threads", "history")


_COMMON = (
    "SET SESSION time_zone = '+00:00'",
    f"SET SESSION sql_mode = '{SQL_MODE}'",
    "SET SESSION transaction_isolation = 'REPEATABLE-READ'",
    "SET SESSION foreign_key_checks = 1",
    "SET SESSION unique_checks = 1",
    "SET SESSION sql_quote_show_create = 1",
)
# Without NO_AUTO_CREATE_USER, which MySQL 8 no longer knows, a GRANT to a missing account creates it without a password.
_NO_NEW_ACCOUNTS = tuple(s.replace(SQL_MODE, f"{SQL_MODE},NO_AUTO_CREATE_USER") for s in _COMMON)
_MARIADB = tuple(s.replace("transaction_isolation", "tx_isolation") for s in _NO_NEW_ACCOUNTS)

CAPABILITIES: dict[Family, Capabilities] = {
    "mysql": Capabilities(
        "get_lock", ("max_execution_time", 1000), (*_COMMON, "SET SESSION information_schema_stats_expiry = 0")
    ),
    "mariadb": Capabilities("get_lock", ("max_statement_time", 1), _MARIADB),
    "oceanbase": Capabilities(
        "lease", ("ob_query_timeout", 1_000_000), (*_NO_NEW_ACCOUNTS[:2], _COMMON[3]), metadata_locks=False, looks=()
    ),
    "tidb": Capabilities("get_lock", ("max_execution_time", 1000), _COMMON, supported=False),
    "vitess": Capabilities("lease", None, (), supported=False),
}

_MARKS: tuple[tuple[str, Family, str], ...] = (
    ("-tidb-", "tidb", "TiDB"),
    ("oceanbase", "oceanbase", "OceanBase"),
    ("seekdb", "oceanbase", "OceanBase"),
    ("mariadb", "mariadb", "MariaDB"),
    ("-vitess", "vitess", "Vitess"),
)


@dataclass(frozen=True)
class Engine:
    """A server's family, name and version, as VERSION() tells them."""

    family: Family
    name: str
    version: str
    numbers: tuple[int, ...]

    @property
    def can(self) -> Capabilities:
        """What this family can do."""
        return CAPABILITIES[self.family]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def detect(version: str, comment: str = "") -> Engine:
    """Tell the engine from VERSION() and @@version_comment; what carries no other mark is MySQL."""
    text = f"{version} {comment}".lower()
    for mark, family, name in _MARKS:
        if mark in text:
            shown = "seekdb" if "seekdb" in text else name
            return Engine(family, shown, _number(version, comment, family), _numbers(_number(version, comment, family)))
    return Engine("mysql", "MySQL", _number(version, comment, "mysql"), _numbers(version))


def _number(version: str, comment: str, family: Family) -> str:
    # OceanBase and TiDB put the MySQL version that they imitate first and their own after a "v".
    if family in ("oceanbase", "tidb"):
        own = re.search(r"v(\d+(?:\.\d+)+)", version) or re.search(r"(\d+(?:\.\d+){2,})", comment)
        if own:
            return own[1]
    # MariaDB behind replication-safe prefixes reports 5.5.5-10.11.19-MariaDB.
    return version.removeprefix("5.5.5-").split("-")[0]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
