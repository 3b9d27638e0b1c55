"""What holds the server up just now: long transactions, waits for metadata locks, undo, replicas; and backups kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rlops import blockers
from rlops.db import Row
from rlops.errors import RlopsError
from rlops.ops import backups
from rlops.ops.monitor.probe import Reader, whole

TRANSACTIONS = {
    "oceanbase": "oceanbase.V$OB_TRANSACTION_SCHEDULERS",
    "tidb": "information_schema.CLUSTER_TIDB_TRX",
}
WAITS = {"tidb": "mysql.tidb_mdl_view"}
HISTORY = {"mysql": "information_schema.INNODB_METRICS", "mariadb": "status variable Innodb_history_list_length"}


def read_sessions(reader: Reader, tables: Sequence[str]) -> dict[str, Any]:
    """The oldest transactions of the server, who waits for a metadata lock and who holds it, undo, replication.

    None for what can't be read, which is not the same as nothing.
    """
    return {
        "transactions": _transactions(reader),
        "lock_waits": _lock_waits(reader, tables),
        "history_list": _history(reader),
        "replication": _replication(reader),
    }


def _transactions(reader: Reader) -> list[dict[str, Any]] | None:
    source = TRANSACTIONS.get(reader.db.family, "information_schema.INNODB_TRX")
    rows = _asked(reader, "transactions", source, "120_transactions", {})
    return None if rows is None else [_session(row) | {"rows_modified": whole(row["rows_modified"])} for row in rows]


def _asked(reader: Reader, name: str, source: str, key: str, values: Mapping[str, Any]) -> list[Row] | None:
    # Without PROCESS these show the account's own sessions and raise nothing, as if there were no others.
    if reader.db.family != "oceanbase" and not reader.holdings.has("PROCESS"):
        reader.note(name, "denied", source, reader.grant(key))
        return None
    return reader.ask(name, source, key, values=values)


def _session(row: Row) -> dict[str, Any]:
    return {
        "id": int(row["id"]), "user": str(row["user"]), "host": str(row["host"]), "seconds": int(row["seconds"] or 0),
        "statement": " ".join(str(row["statement"] or "").split()),
    }  # fmt: skip


def _lock_waits(reader: Reader, tables: Sequence[str]) -> list[dict[str, Any]] | None:
    """Each waiting session with the sessions that hold a lock and do not wait themselves."""
    source = WAITS.get(reader.db.family, "information_schema.PROCESSLIST, states")
    if not reader.db.engine.can.metadata_locks:
        reader.note("lock_waits", "unsupported", reader.db.engine.name, "DDL doesn't wait for transactions there")
        return []
    rows = _asked(reader, "lock_waits", source, "130_waiting", {"schema": reader.server.schema})
    if not rows:
        return rows
    waiting = {int(row["id"]) for row in rows}
    try:
        holders = blockers.find(reader.db, reader.sql, tables)
    except RlopsError as error:
        reader.note("blockers", "unavailable", source, error.message)
        holders = None
    held = [
        {
            "id": each.id, "user": each.user, "host": each.host, "seconds": each.seconds, "certain": each.certain,
            "statement": " ".join(each.statement.split()), "object": each.object,
        }
        for each in holders or () if each.id not in waiting
    ]  # fmt: skip
    return [_session(row) | {"state": row["state"], "blocked_by": held} for row in rows]


def _history(reader: Reader) -> int | None:
    if reader.lacks("history_list"):
        return None
    rows = reader.ask("history_list", HISTORY[reader.db.family], "140_history")
    return whole(rows[0]["length"]) if rows else None


def _replication(reader: Reader) -> list[dict[str, Any]] | None:
    """For a replica, how far each of its sources is ahead; empty for a server that follows none."""
    if reader.lacks("replication"):
        return []
    rows = reader.ask("replication", "SHOW REPLICA STATUS", "150_replication")
    return None if rows is None else [_channel(row) for row in rows]


def _channel(row: Row) -> dict[str, Any]:
    def either(*names: str) -> Any:
        return next((row[name] for name in names if row.get(name) not in (None, "")), None)

    return {
        "source": either("Source_Host", "Master_Host"),
        "channel": either("Channel_Name", "Connection_name") or "",
        "lag_seconds": whole(either("Seconds_Behind_Source", "Seconds_Behind_Master")),
        "running": (
            either("Replica_IO_Running", "Slave_IO_Running"),
            either("Replica_SQL_Running", "Slave_SQL_Running"),
        )
        == ("Yes", "Yes"),
        "error": either("Last_SQL_Error", "Last_IO_Error"),
    }


def read_backups(reader: Reader) -> dict[str, Any]:
    """The backups that rollbacks kept in this schema: how many, their bytes (an estimate), the oldest, those past the limit."""
    kept = backups.found(reader.db, reader.sql)
    names = [name for backup in kept for name in backup.tables.values()]
    sizes: Mapping[str, Row] = {}
    source = "names of tables; bytes from information_schema.TABLES"
    if names:
        values = {"schema": reader.server.schema, "tables": tuple(names)}
        sizes = {row["name"]: row for row in reader.ask("backups", source, "030_tables", values=values) or ()}
    else:
        reader.note("backups", "ok", source)
    limit = reader.sql.policy.backups.max_age_days
    ages = [(reader.server.utc_now - backup.created.replace(tzinfo=None)).days for backup in kept]
    oldest: datetime | None = min((backup.created for backup in kept), default=None)
    return {
        "count": len(kept),
        "bytes": sum((whole(row["data_bytes"]) or 0) + (whole(row["index_bytes"]) or 0) for row in sizes.values()),
        "bytes_estimated": True,
        "oldest": oldest,
        "past_limit": sum(age > limit for age in ages),
        "max_age_days": limit,
    }
