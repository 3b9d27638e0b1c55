"""Which engine and version a server is, and what that kind of server can do: a table, not classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from rlops.errors import Refused

Family = Literal["mysql", "mariadb", "oceanbase", "tidb", "vitess"]
Kind = Literal[
    "mysql",
    "group_replication",
    "multi_primary",
    "xtradb_cluster",
    "aurora",
    "mariadb",
    "galera",
    "oceanbase",
    "tidb",
    "vitess",
]

SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
LENIENT = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"  # writes each value that a column can hold, and refuses none
EXACT = f"{LENIENT},STRICT_ALL_TABLES"  # writes each value as it was read, or refuses it

# Commands that keep a second table equal to the first while the shop goes on.
ONLINE = ("partition enable", "partition disable", "partition cut-over", "partition finish", "partition ensure --drain")

# The variables that tell whether a server is one of several; `placed` reads them.
TOPOLOGY = (
    "wsrep_on", "wsrep_provider", "group_replication_group_name", "group_replication_single_primary_mode", "aurora_version",
)  # fmt: skip


@dataclass(frozen=True)
class Capabilities:
    """What a kind of server can do, and by what means. What a command can't do here it asks of this table.

    `unsupported`: why rlops refuses to work there at all.
    `run_lock`: "get_lock" (freed by the server with its connection) or "lease" (a row, where GET_LOCK counts on one node
    only, outlives a lost connection or ends before it). `statement_limit`: the session variable that bounds a
    statement's time, and how many of its units make a second. `binlog`: whether replicas follow by MySQL's binary log.
    `metadata_locks`: whether a DDL waits for open transactions. `takes_back`: whether one that waits can be ended, and did
    nothing then. `locks_hold_all`: whether a lock taken here holds up
    every writer, and not only those of the same node. `triggers`: whether there are any. `writers_go_on`: whether they
    do while an ALTER copies their table. `keys_on_partitions`: whether a partitioned table keeps its foreign keys.
    `reorganizes`: whether partitions can be split, and taken away again. `takes_months_out`: whether a month can be
    exchanged and dropped with the proof that no row came in meanwhile. `ddl`: what a DDL costs beside its locks.
    `stale`: what lets a session read on a node that is cut off from its cluster.
    `looks`: what long work looks at before each chunk, of those in throttle.py and nodes.py; the statements are in
    sql/throttle/.
    """

    run_lock: Literal["get_lock", "lease"]
    statement_limit: tuple[str, int] | None
    session: tuple[str, ...]
    joined: tuple[str, ...] = ()
    unsupported: str = ""
    binlog: bool = True
    metadata_locks: bool = True
    takes_back: bool = True
    locks_hold_all: bool = True
    triggers: bool = True
    writers_go_on: bool = False
    keys_on_partitions: bool = False
    reorganizes: bool = True
    takes_months_out: bool = True
    ddl: str = ""
    stale: tuple[str, ...] = ()
    looks: tuple[str, ...] = ("replicas", "threads", "history")

    def refuses(self, command: str) -> str | None:
        """Why this kind refuses a command, or what it wants to be said with it; None where it takes it as it is."""
        guarded = self.keys_on_partitions or (self.triggers and self.locks_hold_all)
        if command == "migrate --partitioned" and not guarded:
            return "only with --integrity none: no trigger can keep its integrity here"
        if command == "partition expire" and not self.takes_months_out:
            return "that no row comes in while a month is dropped is not proven here; `rlops cleanup` takes its rows"
        if command == "partition disable" and not self.reorganizes:
            return "partitions can't be taken away here"
        if command not in ONLINE or (guarded and not self.keys_on_partitions):
            return None
        if command == "partition enable":
            return "only with --offline" if guarded else "only with --offline --integrity none"
        return "only with --offline" if command == "partition disable" else "a second table can't be kept equal here"

    def described(self) -> Mapping[str, str]:
        """What it says, in words, each under a name."""
        lease = "a lease: a row that its holder renews, and that runs out"
        return {
            "run lock": lease if self.run_lock == "lease" else "GET_LOCK, freed with its connection",
            "DDL waits for open transactions": _yes(self.metadata_locks),
            "DDL besides": self.ddl or "-",
            "locks hold up every writer": _yes(self.locks_hold_all),
            "partitioned table": "keeps its foreign keys" if self.keys_on_partitions
            else "only with --integrity none: there are no triggers" if not self.triggers
            else "integrity by triggers" if self.locks_hold_all else "only with --integrity none: triggers don't see other nodes' locks",
            "change of form while the shop goes on": "with --offline: the server's own ALTER lets writers go on" if self.writers_go_on
            else _yes(self.locks_hold_all and not self.keys_on_partitions),
            "months are taken out whole": _yes(self.takes_months_out),
            "long work looks at": ", ".join(_LOOKS[look] for look in self.looks) or "its chunks' time alone",
        }  # fmt: skip


_LOOKS = {
    "replicas": "replica lag", "threads": "running threads", "history": "the history list", "redo": "the redo log",
    "readers": "the readers' lag", "members": "the members' queues", "nodes": "the nodes' queues and flow control",
}  # fmt: skip


def _yes(said: bool) -> str:
    return "yes" if said else "no"


def _variables(*own: str, sql_mode: str = f"{SQL_MODE},NO_AUTO_CREATE_USER", rows: int = 2**64 - 1) -> str:
    """Sets what a server may give its sessions other defaults of, such as to cut each answer or to end with a COMMIT.

    `rows`: the most that sql_select_limit can be; DEFAULT is the server's own. sql_big_selects lifts max_join_size.
    Without NO_AUTO_CREATE_USER, which MySQL 8 no longer knows, a GRANT to a missing account creates it without a password.
    """
    pinned = (
        "time_zone = '+00:00'", f"sql_mode = '{sql_mode}'", "foreign_key_checks = 1", "unique_checks = 1",
        "sql_quote_show_create = 1", "sql_safe_updates = 0", "sql_big_selects = 1", f"sql_select_limit = {rows}",
        "completion_type = 0",
    )  # fmt: skip
    return "SET SESSION " + ", ".join((*pinned, *own))


# Here the words are everywhere the same; the variables have other names on each family.
_TRANSACTIONS = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE"
_TIDB = ("tidb_txn_mode = 'pessimistic'", "tidb_read_staleness = 0", "allow_auto_random_explicit_insert = 1")

_MYSQL = Capabilities(
    "get_lock",
    ("max_execution_time", 1000),
    (_variables("information_schema_stats_expiry = 0", sql_mode=SQL_MODE), _TRANSACTIONS),
)
_GROUP = replace(
    _MYSQL,
    run_lock="lease",
    # What other members have committed is seen here before a transaction begins.
    joined=("SET SESSION group_replication_consistency = 'BEFORE'",),
    ddl="every member repeats a DDL, and what was committed after it waits there until it is done",
    stale=("SET SESSION group_replication_consistency = 'EVENTUAL'",),
    looks=(*_MYSQL.looks, "members"),
)
_MARIADB = Capabilities(
    "get_lock", ("max_statement_time", 1), (_variables(), _TRANSACTIONS), looks=(*_MYSQL.looks, "redo")
)

CAPABILITIES: Mapping[Kind, Capabilities] = {
    "mysql": _MYSQL,
    "group_replication": _GROUP,
    "multi_primary": replace(_GROUP, locks_hold_all=False, takes_months_out=False),
    "aurora": replace(_MYSQL, looks=(*_MYSQL.looks, "readers")),
    "mariadb": _MARIADB,
    "galera": replace(
        _MARIADB,
        run_lock="lease",
        joined=("SET SESSION wsrep_sync_wait = 7",),
        metadata_locks=False,
        locks_hold_all=False,
        takes_months_out=False,
        ddl="the whole cluster waits while a DDL runs, and transactions that have used its tables are rolled back (1213)",
        stale=("SET SESSION wsrep_sync_wait = 0", "SET SESSION wsrep_dirty_reads = 1"),
        looks=(*_MARIADB.looks, "nodes"),
    ),
    "oceanbase": Capabilities(
        "lease", ("ob_query_timeout", 1_000_000), (_variables(rows=2**63 - 1), "SET SESSION TRANSACTION READ WRITE"),
        binlog=False, metadata_locks=False, keys_on_partitions=True, reorganizes=False, takes_months_out=False, looks=(),
    ),
    # Its GET_LOCK is a transaction, and another session gets the lock once that passes max-txn-ttl: an hour by default.
    "tidb": Capabilities(
        "lease", ("max_execution_time", 1000), (_variables(*_TIDB), _TRANSACTIONS),
        binlog=False, takes_back=False, triggers=False, writers_go_on=True, takes_months_out=False, looks=(),
        ddl="a DDL waits without limit for transactions that have used its tables, and holds up no other session meanwhile",
    ),
    "vitess": Capabilities(
        "lease", None, (), binlog=False, unsupported="its statements are limited, and its DDL doesn't end with its answer"
    ),
    "xtradb_cluster": replace(
        _MYSQL, unsupported="its locks and DDL are Galera's and its account of them is MySQL's, which was never measured"
    ),
}  # fmt: skip

_MARKS: tuple[tuple[str, Family, str], ...] = (
    ("-tidb-", "tidb", "TiDB"),
    ("oceanbase", "oceanbase", "OceanBase"),
    ("seekdb", "oceanbase", "OceanBase"),
    ("mariadb", "mariadb", "MariaDB"),
    ("-vitess", "vitess", "Vitess"),
)


@dataclass(frozen=True)
class Engine:
    """A server's family, name and version, as VERSION() tells them, and the kind of server that it is."""

    family: Family
    name: str
    version: str
    numbers: tuple[int, ...]
    kind: Kind

    @property
    def can(self) -> Capabilities:
        """What this kind can do."""
        return CAPABILITIES[self.kind]

    @property
    def cluster(self) -> str:
        """What it is one of several servers of, in words; empty for a server that stands alone."""
        return _CLUSTERS.get(self.kind, "")

    def __str__(self) -> str:
        return f"{self.name} {self.version}" + (f", {self.cluster}" if self.cluster else "")


_CLUSTERS: Mapping[Kind, str] = {
    "galera": "Galera cluster",
    "xtradb_cluster": "Percona XtraDB Cluster",
    "group_replication": "Group Replication, single-primary",
    "multi_primary": "Group Replication, multi-primary",
    "aurora": "Aurora",
}


def refuse_unsupported(engine: Engine) -> None:
    """Raise Refused on a server that rlops doesn't work with."""
    if why := engine.can.unsupported:
        raise Refused(
            f"{engine} is not supported: {why}. Nothing was changed",
            "Use MySQL, MariaDB, Galera, Group Replication, TiDB or seekdb.", "unsupported_engine",
        )  # fmt: skip


def placed(engine: Engine, variables: Mapping[str, str]) -> Engine:
    """The engine with its kind, from those of its global variables that TOPOLOGY names."""
    kind: Kind = engine.kind
    if engine.family == "mariadb" and variables.get("wsrep_on") == "ON" and variables.get("wsrep_provider") != "none":
        kind = "galera"
    elif engine.family == "mysql" and variables.get("wsrep_provider") not in (None, "", "none"):
        kind = "xtradb_cluster"
    elif variables.get("group_replication_group_name"):
        single = variables.get("group_replication_single_primary_mode") == "ON"
        kind = "group_replication" if single else "multi_primary"
    elif variables.get("aurora_version"):
        kind = "aurora"
    return replace(engine, kind=kind)


def detect(version: str, comment: str = "") -> Engine:
    """Tell the engine from VERSION() and @@version_comment; what carries no other mark is MySQL."""
    text = f"{version} {comment}".lower()
    for mark, family, name in _MARKS:
        if mark in text:
            shown = "seekdb" if "seekdb" in text else name
            number = _number(version, comment, family)
            return Engine(family, shown, number, _numbers(number), family)
    return Engine("mysql", "MySQL", _number(version, comment, "mysql"), _numbers(version), "mysql")


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
