"""Reads through a probe: its rows, or what it needs to have them. A probe that fails never fails the command."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from rlops import privileges
from rlops.db import Conflict, Database, Forbidden, LockWait, Lost, Row, ServerError, TimedOut
from rlops.holdings import Holdings
from rlops.sqlfiles import SqlFolder, quote

Status = Literal["ok", "unavailable", "denied", "unsupported"]

LIMIT = 1.0  # seconds that the server gives each statement; a whole second, since MariaDB's limit is rounded to those
BUDGET = 4.0  # seconds after which no further statement is sent, on a server that lets many of them wait

# What an engine doesn't have: a probe's name and why, by family.
LACKING: Mapping[str, Mapping[str, str]] = {
    "oceanbase": {
        "history_list": "seekdb keeps no history list",
        "replication": "seekdb has no replicas of this kind",
        "index_usage": "seekdb keeps no counters for each index",
    },
    "tidb": {
        "history_list": "TiDB keeps no undo log: old versions of rows go by its garbage collection",
        "replication": "TiDB has no replicas of this kind: its store keeps the copies",
        "index_sizes": "TiDB keeps no sizes for each index",
    },
}


@dataclass(frozen=True)
class Probe:
    """What became of one kind of reading: where its numbers come from, or what it needs to have any."""

    name: str
    status: Status
    source: str
    needs: str | None = None


@dataclass(frozen=True)
class Server:
    """What the server says of itself. `local_now` is in its own time zone, `uptime` in seconds."""

    schema: str
    account: str
    utc_now: datetime
    local_now: datetime
    uptime: int
    performance_schema: bool
    userstat: bool

    @property
    def started(self) -> datetime:
        """When it was started, UTC, give or take a second."""
        return self.utc_now - timedelta(seconds=self.uptime)


@dataclass
class Reader:
    """Runs the files of sql/monitor and remembers what became of each probe.

    `budget`: seconds for all statements together; None for no limit.
    """

    db: Database
    sql: SqlFolder
    budget: float | None = BUDGET
    server: Server = field(init=False)
    probes: list[Probe] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        found = self.rows("010_server")[0]
        account, _, host = found["account"].rpartition("@")
        self.server = Server(
            schema=found["schema_name"],
            account=f"{_literal(account)}@{_literal(host)}",
            utc_now=found["utc_now"],
            local_now=found["local_now"],
            uptime=self._uptime(),
            performance_schema=bool(int(found["performance_schema"])),
            userstat=bool(int(found["userstat"])),
        )

    def _uptime(self) -> int:
        """Seconds; 0 where this account may not see it, so that no counter is taken for older than it is."""
        try:
            return int(self.rows("020_uptime")[0]["Value"])
        except Forbidden:
            return 0

    @property
    def elapsed(self) -> float:
        """Seconds since the first statement."""
        return time.monotonic() - self._began

    @cached_property
    def holdings(self) -> Holdings:
        """What this session's account may do. Raises ServerError."""
        return privileges.own(self.db)

    def rows(
        self, key: str, names: Mapping[str, Any] | None = None, values: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """The rows of one file. Raises ServerError; TimedOut too when the command's time is used up."""
        if self.budget is not None and self.elapsed > self.budget:
            raise TimedOut(0, "the time of the command is used up")
        statement = self.sql.statement(f"monitor/{key}", names, values)
        return self.db.rows(statement.sql, statement.values)

    def ours(self, key: str, tables: Sequence[str]) -> list[Row]:
        """The rows of a file about these tables of our schema. Raises ServerError."""
        return self.rows(key, values={"schema": self.server.schema, "tables": tuple(tables)})

    def ask(
        self,
        name: str,
        source: str,
        key: str,
        *,
        names: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> list[Row] | None:
        """The rows of one file, and what became of the probe remembered; None where it has no answer. Raises Lost."""
        try:
            rows = self.rows(key, names, values)
        except ServerError as error:
            self.failed(name, source, key, error)
            return None
        self.note(name, "ok", source)
        return rows

    @staticmethod
    def utc(time: datetime | None) -> datetime | None:
        """A time of this session, which is in UTC, with its offset."""
        return time and time.replace(tzinfo=UTC)

    def note(self, name: str, status: Status, source: str, needs: str | None = None) -> None:
        """Remember what became of a probe."""
        self.probes.append(Probe(name, status, source, needs))

    def lacks(self, name: str) -> bool:
        """Whether this engine has no such thing; remembered with the reason."""
        why = LACKING.get(self.db.family, {}).get(name)
        if why:
            self.note(name, "unsupported", self.db.engine.name, why)
        return why is not None

    def failed(self, name: str, source: str, key: str, error: ServerError) -> None:
        """Remember a probe that the server refused, with what it needs. Raises Lost: then there is no server to ask."""
        if isinstance(error, Lost):
            raise error
        if isinstance(error, Forbidden):
            self.note(name, "denied", source, self.grant(key))
        else:
            self.note(name, "unavailable", source, reason(error))

    def grant(self, key: str) -> str:
        """The statement that gives this account what the header of that file says it needs."""
        needs = self.sql.file(f"monitor/{key}").needs.replace("{schema}", quote(self.server.schema))
        return f"GRANT {needs} TO {self.server.account}"


def reason(error: ServerError) -> str:
    """Why a statement has no answer, and what to do about it."""
    if isinstance(error, TimedOut | Conflict | LockWait):
        if error.number == 0:
            return f"not tried: the statements before it took {BUDGET:g} s together; try again when the server has less to do"
        return f"more than {LIMIT:g} s: try again when the server has less to do and no ALTER or LOCK holds the table"
    return error.message


def whole(value: Any) -> int | None:
    """A number of the server's as an int."""
    return None if value is None else int(value)


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
