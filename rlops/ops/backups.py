"""The backups that rollbacks keep: tables named `TABLE__backup_YYYYMMDD_HHMMSS`, in the same schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from rlops import counting, facts
from rlops.db import Database
from rlops.errors import Refused
from rlops.ops import declared
from rlops.plan import Answer
from rlops.sqlfiles import SqlFolder
from rlops.structure import Table, read_table
from rlops.words import counted

MARK = "__backup_"
_NAME = re.compile(rf"(?P<table>.+){MARK}(?P<id>\d{{8}}_\d{{6}}(?:_\d+)?)")


@dataclass(frozen=True)
class Backup:
    """One backup: its id (the UTC time of the rollback) and, for each table, the name of its backup table."""

    id: str
    tables: dict[str, str]

    @property
    def created(self) -> datetime:
        """When the rollback was made, UTC."""
        return datetime.strptime(self.id[:15], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)


def found(db: Database, sql: SqlFolder) -> list[Backup]:
    """Every backup in the schema, newest first."""
    names = set(declared.names(sql))
    by_id: dict[str, dict[str, str]] = {}
    for name, kind in facts.tables(db).items():
        match = _NAME.fullmatch(name)
        if match and match["table"] in names and kind == "BASE TABLE":
            by_id.setdefault(match["id"], {})[match["table"]] = name
    return [Backup(key, by_id[key]) for key in sorted(by_id, key=_order, reverse=True)]


def _order(key: str) -> tuple[str, int]:
    date, time, *again = key.split("_")
    return f"{date}_{time}", int(again[0]) if again else 1


def new_id(db: Database, taken: list[Backup]) -> str:
    """An id that no backup has: the server's UTC time to the second, with a number behind it where it is taken."""
    stamp: str = db.value("SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y%m%d_%H%i%s')")
    ids = {backup.id for backup in taken}
    return next(key for n in range(1, 1000) if (key := stamp if n == 1 else f"{stamp}_{n}") not in ids)


def tables_with_keys(db: Database, backup: Backup) -> dict[str, Table]:
    """The backup's tables that still have foreign keys, by their names."""
    read = {name: read_table(db, name) for name in backup.tables.values()}
    return {name: table for name, table in read.items() if isinstance(table, Table) and table.foreign_keys}


def refuse_unfinished(db: Database, sql: SqlFolder) -> None:
    """Refuse while a backup has foreign keys: a rollback or restore was interrupted, and their names would collide."""
    for backup in found(db, sql):
        if tables_with_keys(db, backup):
            raise Refused(
                f"the backup {backup.id} still has its foreign keys: a rollback or a restore was interrupted. Nothing was changed",
                f"`rlops rollback` finishes the rollback, `rlops restore {backup.id}` brings the tables back.",
                "unfinished_rollback",
            )


def listed(db: Database, sql: SqlFolder) -> Answer:
    """The answer to `backups list`: each backup with its tables, rows, size in bytes and age in days."""
    sizes = "SELECT DATA_LENGTH + INDEX_LENGTH AS bytes FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    limit = sql.policy.backups.max_age_days
    now = db.value("SELECT UTC_TIMESTAMP()").replace(tzinfo=UTC)
    rows = []
    for backup in found(db, sql):
        tables = [
            {
                "table": table,
                "backup_table": name,
                **counting.count(db, name).fields(),
                "bytes": int(db.value(sizes, (db.schema, name)) or 0),
            }
            for table, name in backup.tables.items()
        ]
        age = (now - backup.created).days
        rows.append({
            "id": backup.id, "created": backup.created, "age_days": age, "past_limit": age > limit,
            "finished": not tables_with_keys(db, backup), "tables": tables,
        })  # fmt: skip
    headline = f"{counted(len(rows), 'backup')} in {db.schema}." if rows else f"{db.schema} has no backups."
    data = {"backups": rows, "max_age_days": limit, "bytes_source": "information_schema.TABLES (an estimate)"}
    return Answer("backups list", data=data, headline=headline, next="rlops restore" if rows else "")
