"""A primary and a replica of it, on loopback, for the tests that want a lag."""

from __future__ import annotations

import time
from typing import Any

import pymysql
import pymysql.cursors

PATIENCE = 60  # seconds


def run(server: Any, *statements: str) -> list[dict[str, Any]]:
    """As root, on a connection of its own; the last one's rows."""
    arguments = server.connect_args() | {"autocommit": True, "cursorclass": pymysql.cursors.DictCursor}
    with pymysql.connect(**arguments) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


def replicate(primary: Any, replica: Any, port: int | None = None) -> None:
    """Let one server follow another from its beginning, at that port of 127.0.0.1 if it isn't the primary's own."""
    if primary.family == "mysql":
        how = "SOURCE_HOST='127.0.0.1', SOURCE_PORT={}, SOURCE_USER='root', GET_SOURCE_PUBLIC_KEY=1, SOURCE_CONNECT_RETRY=1"
        run(replica, "CHANGE REPLICATION SOURCE TO " + how.format(port or primary.port), "START REPLICA")
    else:
        how = "MASTER_HOST='127.0.0.1', MASTER_PORT={}, MASTER_USER='root', MASTER_CONNECT_RETRY=1"
        no_tls = ", MASTER_SSL_VERIFY_SERVER_CERT=0"
        run(replica, "CHANGE MASTER TO " + how.format(port or primary.port) + no_tls, "START SLAVE")
    deadline = time.monotonic() + PATIENCE
    while not following(replica):
        assert time.monotonic() < deadline, run(replica, "SHOW REPLICA STATUS")
        time.sleep(0.1)


def following(replica: Any) -> bool:
    """Whether it receives and applies, by its own word."""
    (row,) = run(replica, "SHOW REPLICA STATUS")
    states = [str(value) for key, value in row.items() if key.endswith(("IO_Running", "SQL_Running"))]
    return states == ["Yes", "Yes"]


def halt(replica: Any) -> None:
    """It goes on receiving, and applies nothing any more."""
    run(replica, "STOP REPLICA SQL_THREAD")


def go_on(replica: Any) -> None:
    run(replica, "START REPLICA")


def delay(replica: Any, seconds: int) -> None:
    """It applies everything so many seconds late, which it counts as lag."""
    run(replica, "STOP REPLICA")
    word = "REPLICATION SOURCE TO SOURCE" if replica.family == "mysql" else "MASTER TO MASTER"
    run(replica, f"CHANGE {word}_DELAY = {seconds}", "START REPLICA")
