"""What `backups list` and `backups show` say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from rlops import counting, facts, manifests
from rlops.db import Database
from rlops.errors import Usage
from rlops.manifests import Record
from rlops.ops.backups import copy, describe
from rlops.ops.backups.found import Backup, found, tables_with_keys
from rlops.plan import Answer
from rlops.sqlfiles import SqlFolder
from rlops.words import counted

BYTES_SOURCE = "information_schema.TABLES (an estimate)"


def age_days(db: Database, backup: Backup) -> int:
    """Whole days since the rollback, by the server's clock."""
    now: datetime = db.value("SELECT UTC_TIMESTAMP()")
    return (now.replace(tzinfo=UTC) - backup.created).days


def listed(db: Database, sql: SqlFolder) -> Answer:
    """The answer to `backups list`: each backup with its manifest, tables, rows, size in bytes and age in days."""
    limit = sql.policy.backups.max_age_days
    rows = [_described(db, backup, limit) for backup in found(db, sql)]
    old = [row["id"] for row in rows if row["past_limit"]]
    headline = f"{counted(len(rows), 'backup')} in {db.schema}." if rows else f"{db.schema} has no backups."
    if old:
        headline += f" Older than the policy's {limit} days: {', '.join(old)}."
    data = {"backups": rows, "max_age_days": limit, "bytes_source": BYTES_SOURCE}
    return Answer("backups list", data=data, headline=headline, next="rlops restore" if rows else "")


def _described(db: Database, backup: Backup, limit: int) -> dict[str, Any]:
    tables: list[dict[str, Any]] = [
        {
            "table": table,
            "backup_table": name,
            **counting.count(db, name).fields(),
            "bytes": facts.bytes_of(db, name),
        }
        for table, name in backup.tables.items()
    ]
    age, record = age_days(db, backup), backup.record
    return {
        "id": backup.id, "created": backup.created, "age_days": age, "past_limit": age > limit,
        "finished": not tables_with_keys(db, backup) and not (record and record.state == "begun"),
        "verified": backup.verified, "state": state(backup),
        "bytes": sum(t["bytes"] for t in tables), "tables": tables, "manifest": shown(record),
    }  # fmt: skip


def state(backup: Backup) -> str:
    """For people: what has become of the backup."""
    if backup.record is None:
        return "no manifest"
    return "copying" if copy.unfinished(backup) and backup.record.state == "kept" else backup.record.state


def shown(record: Record | None) -> dict[str, Any] | None:
    """A manifest with who made it, when and why; None for none."""
    if record is None:
        return None
    return {
        "id": record.id, "state": record.state, "made_at": record.made_at, "account": record.account,
        "os_user": record.os_user, "host": record.host, "rlops_version": record.rlops_version, "ticket": record.ticket,
        **record.manifest, "progress": record.progress,
    }  # fmt: skip


def show(db: Database, sql: SqlFolder, backup_id: str) -> Answer:
    """The answer to `backups show`: one backup's manifest; of a backup without one, what its tables tell.

    Raises Usage when there is neither a manifest nor a table of that id.
    """
    record = manifests.read(db).get(backup_id)
    backup = next((each for each in found(db, sql) if each.id == backup_id), None)
    if record is None and backup is None:
        known = sorted({*manifests.read(db)} | {each.id for each in found(db, sql)}, reverse=True)
        raise Usage(f"there is no backup {backup_id!r}", "There are: " + ", ".join(known or ["none"]), "no_such_backup")
    manifest = shown(record)
    if backup and manifest is None:
        told = [(table, name, name) for table, name in backup.tables.items()]
        manifest = {"id": backup.id, "state": "no manifest", **describe.manifest(db, sql, "unknown", told)}
        for each in manifest["tables"]:
            each.update(describe.sizes(db, each["backup_table"]))
    present = list(backup.tables.values()) if backup else []
    headline = (
        f"Backup {backup_id}: {counted(len(present), 'table')} here."
        if present
        else f"Backup {backup_id} has no tables here."
    )
    note = () if record else ("its manifest is lost, or an older version made it: this is what its tables tell",)
    return Answer("backups show", data={"manifest": manifest, "present": present}, headline=headline, notes=note)
