"""Looks at the server before each chunk of long work: how busy it is, and how far its replicas are behind.

A look that finds its limit exceeded makes the work wait. What can't be seen is said once; a lag that isn't known is
waited for, since a replica that nobody hears of may be hours behind.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rlops import privileges
from rlops.db import Database, Lost, ServerError
from rlops.errors import Refused
from rlops.nodes import Nodes
from rlops.replicas import STATUS, Lag, Replica
from rlops.settings import Target
from rlops.sqlfiles import SqlFolder

COUNT_EVERY = 10.0  # seconds between two counts of the connected replicas, which reads the whole process list


@dataclass(frozen=True)
class Limits:
    """Seconds of lag, running threads, undo logs, percent of a full redo log, transactions that a node has to apply: beyond
    them the work waits.
    """

    replica_lag: float
    threads_running: int
    history_list: int
    redo_log: int
    apply_queue: int


@dataclass(frozen=True)
class Look:
    """What one look saw. `value` is None when it could not be seen, and `why` says what it needs."""

    name: str
    value: float | None
    limit: float
    why: str = ""

    @property
    def exceeded(self) -> str | None:
        """Why to wait, in words, or None."""
        if self.value is None or self.value <= self.limit:
            return None
        return f"{self.name} is {self.value:,.0f}, above {self.limit:,.0f}"


def threads_running(db: Database, sql: SqlFolder, limit: int) -> Look:
    """How many sessions are executing something. Raises Lost."""
    return _status(db, sql, "throttle/010_threads_running", "Threads_running", limit)


def history_list(db: Database, sql: SqlFolder, limit: int) -> Look:
    """How many undo logs purge has not removed yet. Raises Lost."""
    return _status(db, sql, "throttle/020_history_list", "the history list's length", limit)


def redo_log(db: Database, sql: SqlFolder, limit: int) -> Look:
    """How full MariaDB's redo log is, in percent: at 100 InnoDB stops every writer to flush pages. Raises Lost."""
    return _status(db, sql, "throttle/070_redo_log", "the redo log's filling in percent", limit)


def aurora_readers(db: Database, sql: SqlFolder, limit: float) -> Look:
    """How far the furthest of an Aurora cluster's readers is behind, in seconds. Raises Lost."""
    return _status(db, sql, "throttle/060_aurora_readers", "the Aurora readers' lag in seconds", limit)


def _status(db: Database, sql: SqlFolder, file: str, name: str, limit: float) -> Look:
    try:
        row = db.row(sql.statement(file).sql)
    except Lost:
        raise
    except ServerError as error:
        return Look(name, None, limit, f"needs {sql.file(file).needs}: {error.text}")
    if row is None:
        return Look(name, None, limit, "the server does not count it")
    return Look(name, float(row["Value"]), limit)


def connected_replicas(db: Database, sql: SqlFolder) -> int | None:
    """How many replicas read this server's binary log, and tools that behave as one; None when it can't be seen.

    Not by SHOW REPLICAS, whose privilege gives the whole binary log away.
    """
    if not db.value("SELECT @@GLOBAL.log_bin"):
        return 0
    file = sql.file("throttle/030_connected_replicas")
    if "PROCESS" in file.needs and not privileges.own(db).has("PROCESS"):
        return None  # the process list then shows this account's own sessions alone
    row = db.row(file.statement().sql)
    return int(row["Value"]) if row else None


def worst(lags: Iterable[Lag]) -> Lag | None:
    """The replica that is furthest behind; one whose lag isn't known before all others."""
    return max(lags, key=lambda lag: float("inf") if lag.seconds is None else lag.seconds, default=None)


class Throttle:
    """The looks of one run. `lag` is the last one seen, in seconds; None where there is no replica."""

    def __init__(self, db: Database, sql: SqlFolder, limits: Limits, replicas: Sequence[Target] | None) -> None:
        """`replicas` are those that the user named: none of them means that their lag counts for nothing, None that
        nobody said.
        """
        self.db, self.sql, self.limits = db, sql, limits
        self.said = replicas
        self.replicas = [Replica(target, sql) for target in replicas or ()]
        self.nodes = Nodes(db, sql)
        self.lag: float | None = None
        self._counted = -COUNT_EVERY
        self._connected = 0

    def prepare(self, environment: str, tables: Sequence[str] = ()) -> list[str]:
        """What can't be seen here, in words. Raises Refused when a replica would be left behind unseen, or repeats some of
        these tables alone, which take each other's place.
        """
        looks = self.db.engine.can.looks
        notes = [f"{look.name} can't be seen ({look.why})" for look in self._looks() if look.value is None]
        if "replicas" not in looks:
            return notes
        self._refuse_unseen_nodes()
        for lag in (replica.lag() for replica in self.replicas):
            if lag.hopeless:
                raise Refused(
                    f"how far {lag.place} is behind can't be known: {lag.why}. Nothing was changed",
                    f"Name a replica whose account has {self.sql.file(STATUS).needs}, or leave this one out.",
                    "replica_unusable",
                )
            if lag.seconds is None:
                notes.append(f"the lag of {lag.place} is unknown, and is waited for: {lag.why}")
        if tables:
            self._refuse_parted(tables)
        if self._careless:
            return notes
        connected, named = connected_replicas(self.db, self.sql), len(self.replicas)
        if connected is None:
            problem = "whether replicas read this server can't be seen without PROCESS"
            if environment == "production" and not named:
                raise Refused(
                    f"{problem}, and so not how far they are behind. Nothing was changed",
                    "Grant PROCESS ON *.*, name each replica with --replica URL, or say --replica none.",
                    "replicas_unknown",
                )
            return [*notes, problem]
        if connected > named:
            few = f" and {named} named, and how far the others are behind" if named else ", and how far they are behind"
            raise Refused(
                f"{connected} replicas or other readers of the binary log are connected{few} is known to themselves alone."
                " Nothing was changed",
                "Name each replica with --replica URL, or say --replica none if their lag is of no concern.",
                "replicas_not_named",
            )
        return notes

    def _refuse_parted(self, tables: Sequence[str]) -> None:
        for replica in self.replicas:
            if parted := replica.parted(self.db.schema, tables):
                raise Refused(
                    f"{parted}: it would stop, or lose the rows that change places. Nothing was changed",
                    f"Let its filters take `{self.db.schema}.{tables[0]}%`, or leave it out, or say --replica none.",
                    "replica_filters",
                )

    def _refuse_unseen_nodes(self) -> None:
        unseen = None if self._careless else next((node for node in self.nodes.look() if node.queue is None), None)
        if unseen:
            raise Refused(
                f"{unseen.behind(0)}. Nothing was changed",
                f"{unseen.hint or 'Wait until it is a part of the cluster again'}, or say --replica none if they are of no concern.",
                "nodes_unknown",
            )

    @property
    def _careless(self) -> bool:
        return self.said is not None and not self.said

    def reason(self) -> str | None:
        """Why to wait before the next chunk; None when nothing is in the way. Raises Lost."""
        exceeded = next((look.exceeded for look in self._looks() if look.exceeded), None)
        late = None if exceeded or self._careless else self.nodes.reason(self.limits.apply_queue)
        return exceeded or late or self._replicas()

    def _looks(self) -> list[Look]:
        db, sql, limits, looks = self.db, self.sql, self.limits, self.db.engine.can.looks
        return [
            *([threads_running(db, sql, limits.threads_running)] if "threads" in looks else ()),
            *([history_list(db, sql, limits.history_list)] if "history" in looks else ()),
            *([redo_log(db, sql, limits.redo_log)] if "redo" in looks else ()),
            *([aurora_readers(db, sql, limits.replica_lag)] if "readers" in looks else ()),
        ]

    def _replicas(self) -> str | None:
        if "replicas" not in self.db.engine.can.looks:
            return None
        found = worst(replica.lag() for replica in self.replicas)
        self.lag = found.seconds if found else None
        if found and self.lag is None:
            return f"the lag of {found.place} is unknown: {found.why}"
        if found and self.lag is not None and self.lag > self.limits.replica_lag:
            return f"{found.place} is {self.lag:,.0f} s behind, above {self.limits.replica_lag:g} s"
        return None if self._careless else self._newcomers()

    def _newcomers(self) -> str | None:
        named = len(self.replicas)
        if time.monotonic() - self._counted >= COUNT_EVERY or self._connected > named:
            self._connected, self._counted = connected_replicas(self.db, self.sql) or 0, time.monotonic()
        if self._connected <= named:
            return None
        return f"{self._connected} replicas are connected by now and {named} named: the others' lag is unknown (--replica URL)"

    def close(self) -> None:
        """End the connections to the replicas and nodes."""
        self.nodes.close()
        for replica in self.replicas:
            replica.close()
