"""The servers' error numbers, and what each kind means for who gets it: the one place that knows them."""

from __future__ import annotations

import pymysql

from rlops.errors import Denied, Failed

LOST = {2006, 2013, 2014, 2055, 4031, 1053, 1077, 1079, 1927, 3169}
LOCK_WAIT = {1205, 3572}
CONFLICT = {1213, 1020, 1180, 3100, 3101, 6002, 6004, 6005, 8002, 8005, 8022, 8027, 8028, 9007}
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
    3098: "The group takes no row of a table without a primary key, of another engine than InnoDB or, with"
    " group_replication_enforce_update_everywhere_checks, with a foreign key that cascades.",
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
