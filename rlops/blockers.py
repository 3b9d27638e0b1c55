"""Who holds a lock that a statement would wait for. Looked for before a DDL is tried, since the shop queues behind it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from rlops.db import Database, LockWait, ServerError
from rlops.sqlfiles import SqlFolder

SEEN_AFTER = 1.1  # seconds; the statements leave out who has been there for less than one, as busy sessions are
SHOWN = 3  # of them
PREPARED = "a prepared XA transaction whose session has ended"
ENDS_IT = "XA RECOVER lists it, XA COMMIT or XA ROLLBACK ends it"
STATEMENT_SHOWN = 80  # characters of a blocker's statement


@dataclass(frozen=True)
class Blocker:
    """A session in the way. `seconds` is how long it has been in its present state; `certain`: its lock was seen.

    `id` is 0 for a prepared XA transaction that has no session any more, of which no more is known.
    """

    id: int
    user: str
    host: str
    seconds: int
    statement: str
    object: str
    certain: bool

    def __str__(self) -> str:
        if not self.id:
            return f"{PREPARED} holds {self.object} ({ENDS_IT})"
        text = " ".join((self.statement or "idle in a transaction").split())
        shown = text if len(text) <= STATEMENT_SHOWN else text[: STATEMENT_SHOWN - 1] + "…"
        doing = f"last statement: {shown}" if self.statement else shown
        sure = f"holds {self.object}" if self.certain else "has an open transaction and may hold it"
        return f"connection {self.id} of {self.user}@{self.host} {sure}, for {self.seconds} s ({doing})"


def find(db: Database, sql: SqlFolder, tables: Iterable[str]) -> list[Blocker] | None:
    """The sessions in the way of a DDL on these tables, the oldest first; None when this account may not see them.

    Where the server doesn't show metadata locks (MariaDB without its plugin), open transactions are named instead.
    """
    if not db.engine.can.metadata_locks:
        return []
    names = tuple(tables)
    attempts: tuple[tuple[str, dict[str, object], bool], ...] = (
        ("locks/010_holders", {"schema": db.schema, "tables": names}, True),
        ("locks/020_open_transactions", {}, False),
    )
    for key, values, certain in attempts:
        statement = sql.statement(key, values=values)
        try:
            rows = db.rows(statement.sql, statement.values)
        except ServerError:
            continue
        return [
            Blocker(
                int(r["id"] or 0),
                str(r["user"] or ""),
                str(r["host"] or ""),
                int(r["seconds"] or 0),
                str(r["statement"] or ""),
                str(r["object"]),
                certain,
            )
            for r in rows
        ]
    return None


def certain(db: Database, sql: SqlFolder, tables: Iterable[str]) -> list[Blocker]:
    """Those whose lock was seen.

    Where a DDL that waits can't be taken back, none means that a second look, by which a transaction that was there at
    the first would be old enough to be seen, found none either.
    """
    names = tuple(tables)
    found = _seen(db, sql, names)
    if not found and not db.engine.can.takes_back:
        time.sleep(SEEN_AFTER)
        found = _seen(db, sql, names)
    return found


def _seen(db: Database, sql: SqlFolder, tables: Iterable[str]) -> list[Blocker]:
    return [each for each in find(db, sql, tables) or () if each.certain]


def named(found: list[Blocker] | None) -> str:
    """The blockers in words."""
    if found is None:
        return (
            "who holds it can't be seen by this account (it needs PROCESS, on MySQL also SELECT on performance_schema)"
        )
    return (
        "; ".join(map(str, found[:SHOWN]))
        if found
        else "no session is seen that has held it for a second: a busy one has it"
    )


def refuse_prepared(db: Database) -> None:
    """Raise LockWait where a prepared XA transaction stays for a second on MariaDB.

    A DDL doesn't wait there for one whose session has ended (measured with 11.8): what it changed before our triggers were made
    is in no other table, and can be committed at any time.
    """
    if db.family != "mariadb" or not (before := _prepared(db)):
        return
    time.sleep(SEEN_AFTER)
    if stay := sorted(before & _prepared(db)):
        raise LockWait(0, f"prepared XA transactions may have changed rows: {', '.join(stay[:SHOWN])} ({ENDS_IT})")


def _prepared(db: Database) -> set[str]:
    names = (row["data"] for row in db.rows("XA RECOVER"))
    return {name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in names}


def refuse(db: Database, sql: SqlFolder, tables: Iterable[str]) -> None:
    """Raise LockWait, with their names, where a session is seen that holds a lock on these tables."""
    if found := certain(db, sql, tables):
        raise LockWait(0, named(found))
