"""The replicas that long work must not leave behind: each is asked itself, on a connection of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from rlops.db import Database, Forbidden, Row, ServerError
from rlops.errors import Denied, RlopsError, Usage
from rlops.holdings import like
from rlops.settings import Target
from rlops.sqlfiles import SqlFolder

STATUS = "throttle/040_replica_status"
ANSWER_WITHIN = 2.0  # seconds for a replica's connection, and for its answer

PASSING = ("no_server", "timeout", "too_many_connections")  # what a server that comes back ends
BEHIND = ("Seconds_Behind_Source", "Seconds_Behind_Master")
RUNNING = (
    ("Replica_IO_Running", "Slave_IO_Running", "it receives nothing from its source"),
    ("Replica_SQL_Running", "Slave_SQL_Running", "it does not apply what it receives"),
)
# Of tables, in the order in which the first that matches decides; filters of schemas take all tables or none.
FILTERS = ("Replicate_Do_Table", "Replicate_Ignore_Table", "Replicate_Wild_Do_Table", "Replicate_Wild_Ignore_Table")


@dataclass(frozen=True)
class Lag:
    """How far a replica is behind, in seconds by its own word; None when it can't be known, and why.

    `hopeless`: waiting will not mend it, somebody has to.
    """

    place: str
    seconds: float | None
    why: str = ""
    hopeless: bool = False


class Replica:
    """One replica. `lag` never raises for what the replica does: what isn't known has a reason."""

    def __init__(self, target: Target, sql: SqlFolder) -> None:
        self.target, self.sql = target, sql
        self._db: Database | None = None

    @property
    def place(self) -> str:
        """Where it is."""
        return self.target.place

    def lag(self) -> Lag:
        """Ask it. The worst of its sources counts."""
        try:
            rows = self._status()
        except Forbidden as error:
            return Lag(self.place, None, f"it does not tell this account ({error.text})", hopeless=True)
        except (Denied, Usage) as error:
            self.close()
            return Lag(self.place, None, f"it does not answer ({error.message})", error.code not in PASSING)
        except RlopsError as error:
            self.close()
            return Lag(self.place, None, f"it does not answer ({error.message})")
        if not rows:
            return Lag(self.place, None, "it is no replica", hopeless=True)
        return max(
            (self._of(row) for row in rows), key=lambda lag: float("inf") if lag.seconds is None else lag.seconds
        )

    def parted(self, schema: str, tables: Sequence[str]) -> str | None:
        """In words, where its filters take some of these tables and leave others out. One that doesn't answer has said so."""
        rows: list[Row] = []
        with suppress(RlopsError):
            rows = self._status()
        for row in rows:
            taken = [table for table in tables if takes(row, schema, table)]
            left_out = [table for table in tables if table not in taken]
            if taken and left_out:
                filters = "; ".join(f"{name} {row[name]}" for name in FILTERS if row.get(name))
                return f"{self.place} repeats {', '.join(taken)} and leaves {', '.join(left_out)} out ({filters})"
        return None

    def _status(self) -> list[Row]:
        statement = self.sql.statement(STATUS)
        if self._db is None:
            self._db = Database(
                self.target, program="rlops throttle", statement_limit=None, lock_wait=1.0, answer_within=ANSWER_WITHIN
            )
        return self._db.rows(statement.sql)

    def _of(self, row: Row) -> Lag:
        for mysql, mariadb, why in RUNNING:
            if str(row.get(mysql, row.get(mariadb))) != "Yes":
                return Lag(self.place, None, why)
        seconds = next((row[name] for name in BEHIND if name in row), None)
        return Lag(self.place, None, "it does not say") if seconds is None else Lag(self.place, float(seconds))

    def close(self) -> None:
        """End the connection; the next look opens a new one."""
        if self._db is not None:
            with suppress(ServerError):
                self._db.close()
        self._db = None


def takes(row: Row, schema: str, table: str) -> bool:
    """Whether a replica with the filters of this status row repeats what changes that table of a schema that it follows."""
    name = f"{schema}.{table}"
    do, ignore, wild_do, wild_ignore = (
        [each.strip() for each in str(row.get(column) or "").split(",") if each.strip()] for column in FILTERS
    )
    if name in do or name in ignore:
        return name in do
    if any(like(name, each) for each in wild_do):
        return True
    if any(like(name, each) for each in wild_ignore):
        return False
    return not (do or wild_do)
