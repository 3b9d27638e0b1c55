"""What comes just before a DDL, which goes to every server of a cluster at once, and is never rolled back."""

from __future__ import annotations

from rlops import lock, nodes
from rlops.db import Database
from rlops.errors import Blocked
from rlops.sqlfiles import SqlFolder


class Behind(Blocked):
    """Some server of the cluster is not in step."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"not every server of the cluster is in step: {why}", "Type the same command again when they are.",
            "nodes_behind",
        )  # fmt: skip
        self.why = why


def ready(db: Database, sql: SqlFolder) -> None:
    """Raise Behind unless every server is in step, and LeaseLost unless this run holds the lock."""
    if why := nodes.disagreeing(db, sql, 0):
        raise Behind(why)
    lock.confirm(db)
