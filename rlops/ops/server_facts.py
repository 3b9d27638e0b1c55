"""Settings of the server that matter to rlops' commands, each with the reason why."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from rlops import engines, standing
from rlops import facts as live
from rlops.connect import require_tls
from rlops.db import Database, Forbidden, Row, ServerError
from rlops.holdings import Holdings
from rlops.ops import declared

TESTED: Mapping[str, tuple[str, ...]] = {
    "MySQL": ("9.7",),
    "MariaDB": ("10.11", "11.8"),
    "seekdb": ("1.4",),
    "TiDB": ("8.5",),
}

ABSENT = "not on this engine"
UNKNOWN = "unknown"
LEAST_PACKET = 1_048_576  # bytes; a chunk's list of ids is well below it

Judge = Callable[[str], bool | None]


@dataclass(frozen=True)
class ServerFact:
    """A setting. `ok`: True is as wanted, False keeps a command from working, None is worth knowing."""

    name: str
    value: str
    ok: bool | None
    why: str


def _is(*wanted: str) -> Judge:
    return lambda value: True if value in wanted else None


def _packet(value: str) -> bool | None:
    return int(value) >= LEAST_PACKET or None


# variable: (how to judge its value, why it matters)
_SETTINGS: Mapping[str, tuple[Judge, str]] = {
    "log_bin": (lambda _: True, "triggers then need log_bin_trust_function_creators or SUPER, and replicas repeat every change"),
    "binlog_format": (_is("ROW"), "ROW repeats exactly the rows that changed; STATEMENT and MIXED can differ on a replica"),
    "log_bin_trust_function_creators": (_is("ON"), "lets an account without SUPER create triggers while the binary log is on"),
    "performance_schema": (_is("ON"), "monitor reads index usage and statements from it"),
    "userstat": (_is("ON"), "monitor's other source of index usage on MariaDB"),
    "require_secure_transport": (lambda _: True, "with ON the server takes no connection over a network without TLS"),
    "time_zone": (lambda _: True, "cutoffs are midnights in the writers' time zone, which by default is this one"),
    "lower_case_table_names": (_is("0"), "other values fold the names of schemas and tables"),
    "max_allowed_packet": (_packet, "a chunk of cleanup sends a list of ids in one statement"),
    "foreign_key_checks": (_is("ON"), "with OFF as the default, the shop's sessions write rows that no foreign key checked"),
    "innodb_snapshot_isolation": (_is("OFF"), "with ON, the shop's locking reads can fail with 1020; rlops' own sessions do without it"),
}  # fmt: skip
_FILTER = re.compile(r"(Binlog|Replicate)_.*(Do|Ignore|Wild|Rewrite).*", re.IGNORECASE)
_READ_ONLY = "a writing command needs a server that takes writes"


def tested(engine: engines.Engine) -> bool:
    """Whether the test suite runs on this engine in this version."""
    return any((engine.version + ".").startswith(version + ".") for version in TESTED.get(engine.name, ()))


def read(db: Database, holdings: Holdings) -> list[ServerFact]:
    """The facts of this server. Needs no privilege; what this account may not see is "unknown"."""
    names = ("read_only", "super_read_only", "system_time_zone", *_SETTINGS)
    listed = ", ".join(f"'{name}'" for name in names)
    rows = db.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({listed})")
    values = {str(row["Variable_name"]): str(row["Value"]) for row in rows}
    facts = [*_read_only(values), _cluster(db)]
    for name, (judge, why) in _SETTINGS.items():
        value = values.get(name)
        if name == "time_zone" and value == "SYSTEM":
            facts.append(ServerFact(name, f"SYSTEM ({values.get('system_time_zone', UNKNOWN)})", True, why))
        else:
            fine = name == "log_bin_trust_function_creators" and (
                values.get("log_bin") == "OFF" or holdings.has("SUPER")
            )
            facts.append(ServerFact(name, value or ABSENT, fine or judge(value) if value else None, why))
    return [*facts, _time_zones(db), _tls(db), *replication(db, holdings), _disk(db)]


def replication(db: Database, holdings: Holdings) -> tuple[ServerFact, ...]:
    """What is left out of the binary log, who repeats it, what this server repeats itself, and what it leaves out then."""
    return _binlog_filters(db), _replicas(db, holdings), *_replica_of(db)


def _read_only(values: Mapping[str, str]) -> list[ServerFact]:
    found = []
    for name in ("read_only", "super_read_only"):
        value = values.get(name)
        ok = None if value is None else value in ("OFF", "0")
        found.append(ServerFact(name, value or ABSENT, ok, _READ_ONLY))
    return found


def _cluster(db: Database) -> ServerFact:
    name, why = "cluster", "where nodes have locks of their own the run lock is a lease, and some commands are refused"
    if problem := standing.of_cluster(db):
        return ServerFact(name, problem, False, why)
    return ServerFact(name, db.engine.cluster or "none", None if db.engine.cluster else True, why)


def _time_zones(db: Database) -> ServerFact:
    loaded = db.value("SELECT CONVERT_TZ('2025-01-01 00:00:00', 'UTC', 'Europe/Berlin') IS NOT NULL AS loaded")
    return ServerFact(
        "time zone tables", "loaded" if loaded else "empty", True, "not needed: rlops converts named zones itself"
    )


def _replicas(db: Database, holdings: Holdings) -> ServerFact:
    name, why = "replicas connected", "each repeats every change, and a big one makes it lag"
    if not db.engine.can.binlog:
        return ServerFact(name, ABSENT, None, why)
    if not holdings.has("PROCESS"):
        return ServerFact(name, f"{UNKNOWN} (needs PROCESS)", None, why)
    count = sum(str(row["Command"]).startswith("Binlog Dump") for row in db.rows("SHOW FULL PROCESSLIST"))
    return ServerFact(name, str(count), None if count else True, why)


def _tls(db: Database) -> ServerFact:
    row = db.row("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    cipher = str(row["Value"]) if row and row["Value"] else ""
    strict = require_tls(replace(db.target, environment="production", ssl_mode="PREFERRED"))
    safe = (
        True if cipher or strict.ssl_mode == "PREFERRED" else None
    )  # a socket and the loopback interface are no network
    return ServerFact("TLS", cipher or "none", safe, "over a network, what isn't encrypted can be read on its way")


def _binlog_filters(db: Database) -> ServerFact:
    name, why = "binlog filters", "a schema that they leave out reaches neither replicas nor a point-in-time recovery"
    if not db.engine.can.binlog:
        return ServerFact(name, ABSENT, None, why)
    renamed = db.family == "mysql" and db.engine.numbers >= (8, 2)
    row = _asked(db, "SHOW BINARY LOG STATUS" if renamed else "SHOW MASTER STATUS", "BINLOG MONITOR")
    return ServerFact(name, row, None, why) if isinstance(row, str) else _filters(name, row, why)


def _replica_of(db: Database) -> tuple[ServerFact, ServerFact]:
    """What this server is a replica of, and what it leaves out then."""
    name, why = "replica of", "a change belongs on the source, never on a replica"
    filters, what_for = "replication filters", "a filter on tables can stop a replica at a rename, or lose its rows"
    if not db.engine.can.binlog:
        return ServerFact(name, ABSENT, None, why), ServerFact(filters, ABSENT, None, what_for)
    rows = standing.sources(db)
    if rows is None:
        unknown = _unknown(db, "SLAVE MONITOR")
        replica = (
            ServerFact(name, "another server", False, why)
            if standing.applies(db)
            else ServerFact(name, unknown, None, why)
        )
        return replica, ServerFact(filters, unknown, None, what_for)
    if not rows:
        return ServerFact(name, "nothing", True, why), ServerFact(filters, "none", True, what_for)
    source = ", ".join(str(row.get("Source_Host") or row.get("Master_Host") or "another server") for row in rows)
    return ServerFact(name, source, False, why), _filters(filters, rows[0], what_for)


def _asked(db: Database, sql: str, on_mariadb: str) -> Row | str | None:
    """The row of a status statement, or in words why it can't be had."""
    try:
        return db.row(sql)
    except Forbidden:
        return _unknown(db, on_mariadb)
    except ServerError as error:
        return f"{UNKNOWN} ({error.text})"


def _unknown(db: Database, on_mariadb: str) -> str:
    return f"{UNKNOWN} (needs {on_mariadb if db.family == 'mariadb' else 'REPLICATION CLIENT'})"


def _filters(name: str, row: Row | None, why: str) -> ServerFact:
    """The filters of a status row: every column that is named so and says something."""
    found = [f"{key} {value}" for key, value in (row or {}).items() if _FILTER.match(key) and value]
    return ServerFact(name, "; ".join(found) or "none", None if found else True, why)


def _disk(db: Database) -> ServerFact:
    name, why = "disk free", "a rebuild or an ADD FOREIGN KEY can need the table's size again"
    folder, host = Path(str(db.value("SELECT @@datadir"))), db.value("SELECT @@hostname")
    if not folder.is_absolute() or host != socket.gethostname():  # that path is another machine's
        return ServerFact(name, f"{UNKNOWN} (SQL can't see it)", None, why)
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ServerFact(name, f"{UNKNOWN} ({folder} can't be looked at)", None, why)
    needed = live.bytes_of(db, declared.INTERACTIONS)
    return ServerFact(name, f"{free:,} bytes in {folder}", True if free > needed else None, why)
