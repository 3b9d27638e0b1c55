"""What cold storage holds, by what rlops has recorded of it."""

from __future__ import annotations

from rlops.archive import parts
from rlops.archive import place as places
from rlops.db import Database
from rlops.plan import Answer
from rlops.sqlfiles import SqlFolder
from rlops.words import counted


def listed(db: Database, sql: SqlFolder) -> Answer:
    """The answer to `archive list`: each part with its month, rows, bytes and state; `archive verify` reads the files."""
    del sql
    found = parts.all_parts(db)
    rows = [
        {
            "path": part.path, "month": part.month_text, "rows": part.sum.rows, "bytes": part.bytes, "state": part.state,
            "raw_bytes": part.raw_bytes, "late": part.late, "held": part.held,
            "deleted_rows": part.deleted, "removed_rows": part.removed, "changed_rows": part.kept,
        }
        for part in found
    ]  # fmt: skip
    where = places.recorded(db)
    total = sum(part.sum.rows for part in found)
    months = counted(len({part.month for part in found}), "month")
    headline = (
        f"{counted(total, 'interaction')} of {months} in {where}." if found else f"{db.schema} has no archive yet."
    )
    following = "rlops archive verify" if found else "rlops archive run --dry-run"
    return Answer("archive list", data={"destination": where, "parts": rows}, headline=headline, next=following)
