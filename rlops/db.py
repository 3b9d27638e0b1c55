"""The connection that everything else uses. What the server refuses is one of the kinds of servererrors.py."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.cursors import DictCursor

from rlops import engines
from rlops.connect import is_encrypted, open_connection
from rlops.errors import RlopsError, Usage
from rlops.servererrors import (
    NO_TABLE,
    TABLE_EXISTS,
    Conflict,
    Damaged,
    Duplicate,
    Forbidden,
    LockWait,
    Lost,
    NoParent,
    ServerError,
    TimedOut,
    server_error,
)
from rlops.settings import Secret, Target

if TYPE_CHECKING:
    from rlops.lease import Lease

Values = Mapping[str, Any] | Sequence[Any] | None
Row = dict[str, Any]

SILENT = 28_800  # seconds that a session may ask nothing, while it reads an archive, say: both servers' default, where nobody cut it
CONNECT_WITHIN = 10.0  # seconds, for each answer until the session can be used
_GREETING = "SELECT VERSION() AS version, @@version_comment AS comment, CONNECTION_ID() AS id, @@lower_case_table_names AS folds"


class Database:
    """One session on the server, with its engine known and its variables set explicitly."""

    def __init__(
        self,
        target: Target,
        *,
        program: str,
        statement_limit: float | None,
        lock_wait: float,
        answer_within: float | None = None,
        engine: engines.Engine | None = None,
    ) -> None:
        """Connect. `answer_within` bounds, in seconds, the connection and each answer; Lost when it isn't kept.

        `engine` is what the server is already known to be; it is asked otherwise, and after each reconnection.
        """
        self.target = target
        self.schema = target.database or ""
        self._program = program
        self._statement_limit = statement_limit
        self._lock_wait = lock_wait
        self._answer_within = answer_within
        self._stale = False
        self.lease: Lease | None = None  # while this session's run holds the run lock by one
        self._waits = False  # for an answer
        self._open(engine)

    def _open(self, engine: engines.Engine | None = None) -> None:
        within = self._answer_within or CONNECT_WITHIN
        self._connection: Any = open_connection(
            self.target, program=self._program, connect_timeout=within, read_timeout=within
        )
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(_GREETING)
                found = cursor.fetchone() or {}
                self.engine = engine or engines.detect(found["version"], found["comment"])
                for statement in self.engine.can.session:  # before what a server's defaults could cut
                    cursor.execute(statement)
                if not engine and self.family in ("mysql", "mariadb"):
                    cursor.execute("SHOW GLOBAL VARIABLES WHERE Variable_name IN %s", (engines.TOPOLOGY,))
                    variables = {str(row["Variable_name"]): str(row["Value"]) for row in cursor.fetchall()}
                    self.engine = engines.placed(self.engine, variables)
                self.connection_id = int(found["id"])
                self.folds = bool(found["folds"])  # whether names of schemas and tables are compared without case
                for statement in self._session():
                    cursor.execute(statement)
        except pymysql.err.MySQLError as error:
            self.close()
            raise server_error(error) from error
        self._wait_for(self._answer_within)

    def _wait_for(self, seconds: float | None) -> None:
        self._connection._read_timeout = seconds  # PyMySQL has no way to change it

    def _session(self) -> Iterator[str]:
        engines.refuse_unsupported(self.engine)
        yield from self.engine.can.joined
        if self._stale:
            yield from self.engine.can.stale
        wait = max(1, round(self._lock_wait))
        if self.family == "oceanbase":
            yield f"SET SESSION ob_trx_lock_timeout = {wait * 1_000_000}"
            yield f"SET SESSION ob_trx_timeout = {3600 * 1_000_000}"
        else:
            # Else a chunk can't confirm a lease that was renewed since it began to read (1020): the default from 11.6 on.
            own = " /*M!110602 , SESSION innodb_snapshot_isolation = OFF */" if self.family == "mariadb" else ""
            if self.family in ("mysql", "mariadb"):
                own += f", SESSION wait_timeout = {SILENT}"
            yield f"SET SESSION lock_wait_timeout = {wait}{own}"
            yield f"SET SESSION innodb_lock_wait_timeout = {wait}"
        yield from self._limit_statement(self._statement_limit)

    def _limit_statement(self, seconds: float | None) -> Iterator[str]:
        limit = self.engine.can.statement_limit
        if limit:
            # Zero means unlimited everywhere but on OceanBase, where the default of ten seconds is too short for DDL.
            wanted = seconds if seconds is not None else (86_400 if self.family == "oceanbase" else 0)
            units = wanted * limit[1]
            yield f"SET SESSION {limit[0]} = {units if limit[1] == 1 else round(units)}"

    @contextmanager
    def statement_limit(self, seconds: float) -> Iterator[None]:
        """Bound the time of each statement inside the block; the server ends what takes longer (TimedOut)."""
        outer, self._statement_limit = self._statement_limit, seconds
        for statement in self._limit_statement(seconds):
            self.execute(statement)
        try:
            yield
        finally:
            self._statement_limit = outer
            with suppress(Lost):
                for statement in self._limit_statement(outer):
                    self.execute(statement)

    @contextmanager
    def _set(self, setting: str, back: str) -> Iterator[None]:
        """Another setting inside the block. A new session after a lost connection has those of all others."""
        self.execute(f"SET {setting}")
        try:
            yield
        finally:
            with suppress(Lost):
                self.execute(f"SET {back}")

    def sql_mode(self, mode: str) -> AbstractContextManager[None]:
        """Another sql_mode inside the block."""
        new = f"@rlops_sql_mode = @@SESSION.sql_mode, SESSION sql_mode = '{mode}'"
        return self._set(new, "SESSION sql_mode = @rlops_sql_mode")

    def checks_off(self) -> AbstractContextManager[None]:
        """No foreign_key_checks inside the block."""
        return self._set("SESSION foreign_key_checks = 0", "SESSION foreign_key_checks = 1")

    def read_stale(self) -> None:
        """Let this session, also after a reconnection, read what a node that is cut off from its cluster still holds."""
        self._stale = True
        for statement in self.engine.can.stale:
            self.execute(statement)

    def sibling(self, answer_within: float = CONNECT_WITHIN) -> Database:
        """Another session like this one, but for the seconds that it waits for an answer. The caller closes it."""
        return Database(
            self.target, program=self._program, statement_limit=self._statement_limit, lock_wait=self._lock_wait,
            answer_within=answer_within, engine=self.engine,
        )  # fmt: skip

    @property
    def lock_wait(self) -> float:
        """Seconds that a statement may wait for a lock before the server ends it."""
        return self._lock_wait

    @property
    def encrypted(self) -> bool:
        """Whether the connection is encrypted."""
        return is_encrypted(self._connection)

    @property
    def family(self) -> engines.Family:
        """The engine's family."""
        return self.engine.family

    @contextmanager
    def answering(self, within: float) -> Iterator[None]:
        """Wait at most so many seconds for each answer inside the block; Lost when it isn't kept."""
        self._wait_for(within)
        try:
            yield
        finally:
            self._wait_for(self._answer_within)

    def hang_up(self) -> bool:
        """End the wait for an answer, which is Lost then; False if there is none. For other threads and signal handlers."""
        if not self._waits or self._connection._sock is None:
            return False
        with suppress(OSError):
            # Not the method of a TLS socket, which also ends the TLS that the waiting thread is reading.
            socket.socket.shutdown(self._connection._sock, socket.SHUT_RDWR)
        return True

    def reconnect(self) -> None:
        """Open a new session after a lost one. Locks and transactions of the old one are gone."""
        self.close()
        self._open()

    def close(self) -> None:
        """End the session; never raises."""
        with suppress(Exception):
            self._connection.close()

    def rows(self, sql: str, values: Values = None) -> list[Row]:
        """Run a query and return all rows. Raises ServerError."""
        with self._cursor() as cursor:
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def row(self, sql: str, values: Values = None) -> Row | None:
        """Run a query and return its first row, or None. Raises ServerError."""
        found = self.rows(sql, values)
        return found[0] if found else None

    def value(self, sql: str, values: Values = None) -> Any:
        """Run a query and return the first column of its first row, or None. Raises ServerError."""
        found = self.row(sql, values)
        return next(iter(found.values())) if found else None

    def execute(self, sql: str, values: Values = None) -> int:
        """Run a statement and return the rows it affected. Raises ServerError."""
        with self._cursor() as cursor:
            return int(cursor.execute(sql, _bound(values, Secret.reveal)))

    def text(self, sql: str, values: Values = None) -> str:
        """The statement as it is sent, its values in place, but for secrets: they are ***."""
        with self._cursor() as cursor:
            return str(cursor.mogrify(sql, _bound(values, str))) if values is not None else sql

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Begin, then commit, or roll back when the block raises. Raises Lost when the COMMIT's answer is missing."""
        self.execute("START TRANSACTION")
        try:
            yield
        except BaseException:
            with suppress(ServerError):
                self.execute("ROLLBACK")
            raise
        self.execute("COMMIT")

    @contextmanager
    def _cursor(self) -> Iterator[DictCursor]:
        self._waits = True
        try:
            with self._connection.cursor() as cursor:
                yield cursor
        except pymysql.err.MySQLError as error:
            raise server_error(error) from error
        except UnicodeEncodeError as error:
            raise Usage(f"a name or value can't be sent to the server: {error.reason}") from error
        finally:
            self._waits = False


def _bound(values: Values, shown: Callable[[Secret], str]) -> Values:
    """The values for the driver, each Secret among the named ones as `shown` gives it."""
    if not isinstance(values, Mapping):
        return values
    return {name: shown(value) if isinstance(value, Secret) else value for name, value in values.items()}


@contextmanager
def connect(
    target: Target,
    *,
    program: str,
    statement_limit: float | None = None,
    lock_wait: float = 1.0,
    need_schema: bool = True,
) -> Iterator[Database]:
    """Open a session for one command.

    `statement_limit` and `lock_wait` are seconds. Raises Usage when no schema is named, Denied when the server can't
    be reached or refuses, Refused on an engine that rlops does not operate.
    """
    if need_schema and not target.database:
        raise Usage(
            "no schema is named",
            "Say which with --database NAME, --url mysql://user@host/NAME, or a profile.",
            "no_database",
        )
    database = Database(target, program=program, statement_limit=statement_limit, lock_wait=lock_wait)
    try:
        yield database
    finally:
        database.close()


def without_schema(target: Target) -> Target:
    """The same server, with no schema chosen."""
    return replace(target, database=None)


__all__ = [
    "NO_TABLE", "TABLE_EXISTS", "Conflict", "Damaged", "Database", "Duplicate", "Forbidden", "LockWait", "Lost", "NoParent",
    "RlopsError", "Row", "ServerError", "TimedOut", "connect", "server_error", "without_schema",
]  # fmt: skip
