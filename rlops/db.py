"""The connection that everything else uses, and the one place that knows error numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.cursors import DictCursor

from rlops import engines
from rlops.connect import is_encrypted, open_connection
from rlops.errors import Denied, Failed, RlopsError, Usage
from rlops.settings import Secret, Target

if TYPE_CHECKING:
    from rlops.lease import Lease

Values = Mapping[str, Any] | Sequence[Any] | None
Row = dict[str, Any]

LOST = {2006, 2013, 2014, 2055, 4031, 1053, 1077, 1079, 1927, 3169}
LOCK_WAIT = {1205, 3572}
CONFLICT = {1213, 1020, 3101, 6002, 6004, 6005, 8002, 8005, 8022, 8027, 8028, 9007}
TIMED_OUT = {3024, 1969, 1317, 4012}
DUPLICATE = {1062, 1586}
NO_PARENT = {1216, 1452}
FORBIDDEN = {1044, 1045, 1142, 1143, 1227, 1370, 1095, 1290, 1410}
NO_TABLE = {1146, 1051}
DAMAGED = {1054, 1033, 1034, 1194, 1364, 1712, 1814, 1932}
TABLE_EXISTS = 1050
OTHER_WAY = "This server can't change the table as the file's `-- algorithm:` and ALGORITHM= say: change both of them."
COME_BACK = "Once the server answers again, type the same command: it goes on from where things stand."
HINTS = {
    1819: "Give another password with --password-from FILE; SHOW VARIABLES LIKE '%password%' tells what the server asks of one.",
    1845: OTHER_WAY,
    1846: OTHER_WAY,
    8175: "Nothing of this statement was done. Let it have more memory: SET GLOBAL tidb_mem_quota_query, then type the command again.",
    8214: "Somebody has cancelled this DDL (ADMIN CANCEL DDL JOBS). Type the command again: it goes on from here.",
}


class ServerError(Failed):
    """The server refused a statement; `number` is its error number."""

    def __init__(self, number: int, text: str, hint: str = "") -> None:
        text = text.rstrip(".")  # ours goes on behind it
        super().__init__(f"the server said {number}: {text}", hint, f"server_{number}")
        self.number = number
        self.text = text


class Lost(ServerError):
    """The connection broke in mid-statement: whether it was carried out is unknown until somebody looks."""


class LockWait(ServerError):
    """A lock was not granted in time; the statement did nothing."""


class Conflict(ServerError):
    """The server took this transaction as the victim of a conflict and rolled it back: it may be tried again."""


class Duplicate(ServerError):
    """A row of the same unique key is there already."""


class NoParent(ServerError):
    """The row that a foreign key refers to is not there."""


class TimedOut(ServerError):
    """The statement passed its time limit and was ended by the server."""


class Damaged(ServerError):
    """A table that lacks a column, or that its engine can't read."""


class Forbidden(ServerError):
    """The account lacks a privilege."""

    exit = Denied.exit


def server_error(error: pymysql.err.MySQLError) -> ServerError:
    """Turn the driver's exception into ours, by its number."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    if number in LOST or (number == 0 and isinstance(error, pymysql.err.InterfaceError)):
        return Lost(number, text or "the connection was lost", COME_BACK)
    kinds = (
        (LOCK_WAIT, LockWait),
        (CONFLICT, Conflict),
        (DUPLICATE, Duplicate),
        (NO_PARENT, NoParent),
        (TIMED_OUT, TimedOut),
        (FORBIDDEN, Forbidden),
        (DAMAGED, Damaged),
    )
    for numbers, kind in kinds:
        if number in numbers:
            return kind(number, text)
    return ServerError(number, text, HINTS.get(number, ""))


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
    ) -> None:
        """Connect. `answer_within` bounds, in seconds, the connection and each answer; Lost when it isn't kept."""
        self.target = target
        self.schema = target.database or ""
        self._program = program
        self._statement_limit = statement_limit
        self._lock_wait = lock_wait
        self._answer_within = answer_within
        self.lease: Lease | None = None  # while this session's run holds the run lock by one
        self._open()

    def _open(self) -> None:
        within = self._answer_within
        self._connection: Any = open_connection(
            self.target, program=self._program, connect_timeout=within or 10, read_timeout=within
        )
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT VERSION() AS version, @@version_comment AS comment, CONNECTION_ID() AS id")
                found = cursor.fetchone() or {}
                self.engine = engines.detect(found["version"], found["comment"])
                if self.family in ("mysql", "mariadb"):
                    cursor.execute("SHOW GLOBAL VARIABLES WHERE Variable_name IN %s", (engines.TOPOLOGY,))
                    variables = {str(row["Variable_name"]): str(row["Value"]) for row in cursor.fetchall()}
                    self.engine = engines.placed(self.engine, variables)
                self.connection_id = int(found["id"])
                for statement in self._session():
                    cursor.execute(statement)
        except pymysql.err.MySQLError as error:
            self.close()
            raise server_error(error) from error

    def _session(self) -> Iterator[str]:
        if not self.engine.can.supported:
            raise Failed(
                f"{self.engine} is not supported yet", "Use MySQL, MariaDB, TiDB or seekdb.", "unsupported_engine"
            )
        yield from self.engine.can.session
        wait = max(1, round(self._lock_wait))
        if self.family == "oceanbase":
            yield f"SET SESSION ob_trx_lock_timeout = {wait * 1_000_000}"
            yield f"SET SESSION ob_trx_timeout = {3600 * 1_000_000}"
        else:
            yield f"SET SESSION lock_wait_timeout = {wait}"
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

    def sibling(self) -> Database:
        """Another session like this one. The caller closes it."""
        return Database(
            self.target, program=self._program, statement_limit=self._statement_limit, lock_wait=self._lock_wait
        )

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
        try:
            with self._connection.cursor() as cursor:
                yield cursor
        except pymysql.err.MySQLError as error:
            raise server_error(error) from error
        except UnicodeEncodeError as error:
            raise Usage(f"a name or value can't be sent to the server: {error.reason}") from error


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
    be reached or refuses, Failed on an engine that rlops does not operate.
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


__all__ = ["Conflict", "Database", "Forbidden", "LockWait", "Lost", "RlopsError", "ServerError", "TimedOut", "connect"]
