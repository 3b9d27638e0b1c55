"""How many rows a table has: counted where that is quick, estimated and marked as such where it isn't."""

from __future__ import annotations

from dataclasses import dataclass

from rlops.db import Database, TimedOut
from rlops.sqlfiles import quote

COUNT_FOR = 1.0  # seconds that an exact count may take before the estimate is used
COUNT_UP_TO = 5_000_000  # estimated rows above which an exact count isn't tried


@dataclass(frozen=True)
class Rows:
    """A number of rows, whether it is an estimate, and where it comes from."""

    rows: int
    estimated: bool
    source: str

    def fields(self) -> dict[str, object]:
        """The keys of a JSON object."""
        return {"rows": self.rows, "rows_estimated": self.estimated, "rows_source": self.source}


def count(db: Database, table: str, seconds: float = COUNT_FOR) -> Rows:
    """Count a table's rows within `seconds`, else take the server's estimate. Raises ServerError."""
    sql = "SELECT TABLE_ROWS AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    estimate = int(db.value(sql, (db.schema, table)) or 0)
    if estimate <= COUNT_UP_TO:
        try:
            with db.statement_limit(seconds):
                return Rows(int(db.value(f"SELECT COUNT(*) AS n FROM {quote(table)}")), False, "COUNT(*)")
        except TimedOut:
            pass
    return Rows(estimate, True, "information_schema.TABLES.TABLE_ROWS")


def is_empty(db: Database, table: str) -> bool:
    """Whether a table has no row. Raises ServerError."""
    return db.row(f"SELECT 1 AS there FROM {quote(table)} LIMIT 1") is None
