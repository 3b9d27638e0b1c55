"""rlops' own table of what `monitor --record` measured: kept dense for days, thin for years. Times are UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rlops.db import Database
from rlops.sqlfiles import SqlFolder

TABLE = "rlops_snapshot"
# From so many days of age on, one snapshot is kept of those whose times begin alike.
THINNED = ((2, "%Y-%m-%d %H"), (14, "%Y-%m-%d"), (400, "%Y-%v"))


@dataclass(frozen=True)
class Snapshot:
    """What was measured once; `started_at` tells whether the server's counters are still the same ones."""

    taken_at: datetime
    started_at: datetime
    body: Mapping[str, Any]


def exists(db: Database) -> bool:
    """Whether the table is there, as far as this account sees."""
    sql = "SELECT COUNT(*) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return bool(db.value(sql, (db.schema, TABLE)))


def create(db: Database, sql: SqlFolder) -> bool:
    """Create the table if it is missing; whether it was. Raises ServerError."""
    if exists(db):
        return False
    db.execute(sql.statement(f"own/070_{TABLE}").sql)
    return True


def record(db: Database, snapshot: Snapshot) -> int:
    """Keep a snapshot; returns its number. Raises ServerError."""
    db.execute(
        f"INSERT INTO {TABLE} (taken_at, started_at, body) VALUES (%s, %s, %s)",
        (snapshot.taken_at, snapshot.started_at, json.dumps(snapshot.body, separators=(",", ":"))),
    )
    return int(db.value("SELECT LAST_INSERT_ID()"))


def latest(db: Database) -> Snapshot | None:
    """The newest snapshot. Raises ServerError."""
    row = db.row(f"SELECT taken_at, started_at, body FROM {TABLE} ORDER BY taken_at DESC, id DESC LIMIT 1")
    return Snapshot(row["taken_at"], row["started_at"], json.loads(row["body"])) if row else None


def count(db: Database) -> int:
    """How many there are. Raises ServerError."""
    return int(db.value(f"SELECT COUNT(*) AS n FROM {TABLE}"))


def series(db: Database, most: int) -> list[Snapshot]:
    """The oldest, the newest, and evenly between them by time, at most about `most`. Raises ServerError."""
    ends = db.row(f"SELECT MIN(taken_at) AS first, MAX(taken_at) AS last FROM {TABLE}")
    if not ends or ends["first"] is None:
        return []
    step = max(1, int((ends["last"] - ends["first"]).total_seconds() / most))
    ids = [
        row["id"]
        for row in db.rows(
            f"SELECT MAX(id) AS id FROM {TABLE}"
            f" GROUP BY FLOOR(TIMESTAMPDIFF(SECOND, taken_at, (SELECT MAX(taken_at) FROM {TABLE})) / %s)"
            f" UNION SELECT MIN(id) FROM {TABLE}",
            (step,),
        )
    ]
    rows = db.rows(f"SELECT taken_at, started_at, body FROM {TABLE} WHERE id IN %s ORDER BY taken_at, id", (ids,))
    return [Snapshot(row["taken_at"], row["started_at"], json.loads(row["body"])) for row in rows]


def thin(db: Database, keep_days: int) -> None:
    """Drop what is older than `keep_days`, and all but the first of each hour, day and week, by age. Raises ServerError."""
    db.execute(f"DELETE FROM {TABLE} WHERE taken_at < UTC_TIMESTAMP() - INTERVAL %s DAY", (keep_days,))
    for days, alike in THINNED:
        old = "taken_at < UTC_TIMESTAMP() - INTERVAL %s DAY"
        first = f"SELECT MIN(id) AS id FROM {TABLE} WHERE {old} GROUP BY DATE_FORMAT(taken_at, %s)"
        db.execute(
            f"DELETE FROM {TABLE} WHERE {old} AND id NOT IN (SELECT id FROM ({first}) AS kept)", (days, days, alike)
        )
