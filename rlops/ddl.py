"""What comes just before a DDL, which goes to every server of a cluster at once, and is never rolled back."""

from __future__ import annotations

from rlops import lock, nodes
from rlops.db import Database
from rlops.errors import Blocked
from rlops.nodes import Node
from rlops.sqlfiles import SqlFolder


class Behind(Blocked):
    """Some server of the cluster is not in step."""

    def __init__(self, late: Node) -> None:
        hint = f"{late.hint}, then type" if late.hint else "Type"
        super().__init__(
            f"not every server of the cluster is in step: {late.told}",
            f"{hint} the same command again; --retry-for SECONDS waits longer.",
            "nodes_behind",
        )
        self.why = late.told


def ready(db: Database, sql: SqlFolder) -> None:
    """Raise Behind unless every server is in step, and LeaseLost unless this run holds the lock."""
    if late := nodes.straggler(db, sql, nodes.SOON):
        raise Behind(late)
    lock.confirm(db)
