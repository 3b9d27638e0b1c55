"""Settings of the server that matter to rlops' commands, each with the reason why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rlops import engines
from rlops.db import Database, Forbidden, ServerError
from rlops.privileges import Holdings

TESTED: Mapping[str, tuple[str, ...]] = {"MySQL": ("9.7",), "MariaDB": ("10.11", "11.8"), "seekdb": ("1.4",)}

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
    "wsrep_on": (_is("OFF"), "on a Galera cluster the run lock counts on one node only: run rlops on one node"),
    "time_zone": (lambda _: True, "cutoffs are midnights in the writers' time zone, which by default is this one"),
    "lower_case_table_names": (_is("0"), "other values fold the names of schemas and tables"),
    "max_allowed_packet": (_packet, "a chunk of cleanup sends a list of ids in one statement"),
    "foreign_key_checks": (_is("ON"), "with OFF as the default, the shop's sessions write rows that no foreign key checked"),
    "innodb_snapshot_isolation": (_is("OFF"), "with ON, locking reads can fail with 1020; rlops tries them again"),
}  # fmt: skip
_READ_ONLY = "a writing command needs a server that takes writes"
_OVERRIDES = ("SUPER", "CONNECTION_ADMIN", "READ_ONLY ADMIN")


def tested(engine: engines.Engine) -> bool:
    """Whether the test suite runs on this engine in this version."""
    return any((engine.version + ".").startswith(version + ".") for version in TESTED.get(engine.name, ()))


def read(db: Database, holdings: Holdings) -> list[ServerFact]:
    """The facts of this server. Needs no privilege; what this account may not see is "unknown"."""
    names = ("read_only", "super_read_only", "system_time_zone", *_SETTINGS)
    listed = ", ".join(f"'{name}'" for name in names)
    rows = db.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({listed})")
    values = {str(row["Variable_name"]): str(row["Value"]) for row in rows}
    facts = [*_read_only(db, values, holdings)]
    for name, (judge, why) in _SETTINGS.items():
        value = values.get(name)
        if name == "time_zone" and value == "SYSTEM":
            facts.append(ServerFact(name, f"SYSTEM ({values.get('system_time_zone', UNKNOWN)})", True, why))
        else:
            facts.append(ServerFact(name, value or ABSENT, judge(value) if value else None, why))
    return [*facts, _time_zones(db), _replicas(db, holdings), _replica_of(db), _disk()]


def _read_only(db: Database, values: Mapping[str, str], holdings: Holdings) -> list[ServerFact]:
    override = any(holdings.has(privilege) for privilege in _OVERRIDES)
    found = []
    for name in ("read_only", "super_read_only"):
        value = values.get(name)
        if value is None:
            found.append(ServerFact(name, ABSENT, None, _READ_ONLY))
        elif value in ("OFF", "0"):
            found.append(ServerFact(name, value, True, _READ_ONLY))
        elif name == "read_only" and override:
            found.append(ServerFact(name, value, None, f"{_READ_ONLY}; this account may write all the same"))
        else:
            found.append(ServerFact(name, value, False, _READ_ONLY))
    return found


def _time_zones(db: Database) -> ServerFact:
    loaded = db.value("SELECT CONVERT_TZ('2025-01-01 00:00:00', 'UTC', 'Europe/Berlin') IS NOT NULL AS loaded")
    return ServerFact(
        "time zone tables", "loaded" if loaded else "empty", True, "not needed: rlops converts named zones itself"
    )


def _replicas(db: Database, holdings: Holdings) -> ServerFact:
    name, why = "replicas connected", "each repeats every change, and a big one makes it lag"
    if db.family == "oceanbase":
        return ServerFact(name, ABSENT, None, why)
    if not holdings.has("PROCESS"):
        return ServerFact(name, f"{UNKNOWN} (needs PROCESS)", None, why)
    count = sum(str(row["Command"]).startswith("Binlog Dump") for row in db.rows("SHOW FULL PROCESSLIST"))
    return ServerFact(name, str(count), None if count else True, why)


def _replica_of(db: Database) -> ServerFact:
    name, why = "replica of", "a change belongs on the source, never on a replica"
    if db.family == "oceanbase":
        return ServerFact(name, ABSENT, None, why)
    try:
        row = db.row("SHOW REPLICA STATUS")
    except Forbidden:
        needed = "SLAVE MONITOR" if db.family == "mariadb" else "REPLICATION CLIENT"
        return ServerFact(name, f"{UNKNOWN} (needs {needed})", None, why)
    except ServerError as error:
        return ServerFact(name, f"{UNKNOWN} ({error.text})", None, why)
    if row is None:
        return ServerFact(name, "nothing", True, why)
    return ServerFact(name, str(row.get("Source_Host") or row.get("Master_Host") or "another server"), None, why)


def _disk() -> ServerFact:
    return ServerFact(
        "disk free",
        f"{UNKNOWN} (SQL can't see it)",
        None,
        "a rebuild or an ADD FOREIGN KEY can need the table's size again",
    )
