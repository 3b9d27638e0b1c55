"""TiDB's own TTL, which deletes rows behind rlops' back, whether the archive has them or not."""

from __future__ import annotations

from rlops.db import Database
from rlops.errors import Refused
from rlops.ops import declared
from rlops.sqlfiles import SqlFolder, quote
from rlops.structure import Table, read_table


def refuse(db: Database, sql: SqlFolder) -> None:
    """Refuse archiving and retention where one of the tables has a TTL, switched on or not."""
    if db.family != "tidb":
        return
    for each in declared.tables(sql):
        live = read_table(db, each.table.name)
        if isinstance(live, Table) and (ttl := dict(live.options).get("TTL")):
            raise Refused(
                f"{live.name} has TiDB's own TTL ({ttl}), which deletes rows whether the archive has them or not."
                " Nothing was changed",
                f"ALTER TABLE {quote(live.name)} REMOVE TTL, then type the same command again.", "native_ttl",
            )  # fmt: skip
