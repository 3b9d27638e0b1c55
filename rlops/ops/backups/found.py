"""Which backups there are: tables named `TABLE__backup_YYYYMMDD_HHMMSS` in the same schema, and what is recorded of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rlops import facts, manifests
from rlops.db import Database
from rlops.errors import Refused
from rlops.manifests import Record
from rlops.ops import declared
from rlops.sqlfiles import SqlFolder
from rlops.structure import Table, read_table

MARK = "__backup_"
PARTS = "rlops_part"  # as archive.parts names it
_NAME = re.compile(rf"(?P<table>.+){MARK}(?P<id>\d{{8}}_\d{{6}}(?:_\d+)?)")
LOOKED_AT = ("kept", "copied", "merging", "merged")  # the states of a backup that was counted and found without keys


@dataclass(frozen=True)
class Backup:
    """One backup: its id (the UTC time of the rollback), and for each table that is there its backup table's name.

    `record` is None for a backup whose manifest is lost, or that a version without manifests made.
    """

    id: str
    tables: dict[str, str]
    record: Record | None = None

    @property
    def created(self) -> datetime:
        """When the rollback was made, UTC."""
        return _time(self.id)

    @property
    def verified(self) -> bool:
        """Whether it is whole: rlops looked at it when it was made, and every table of its manifest is there."""
        record = self.record
        return bool(record and record.state in LOOKED_AT and {*self.manifest} == {*self.tables})

    @property
    def manifest(self) -> Mapping[str, Mapping[str, Any]]:
        """What the manifest says of each table; empty without one."""
        listed = self.record.manifest.get("tables", ()) if self.record else ()
        return {each["table"]: each for each in listed}


def found(db: Database, sql: SqlFolder) -> list[Backup]:
    """Every backup that has tables in the schema, newest first."""
    names, live = set(declared.names(sql)), facts.tables(db)
    records = manifests.read(db)
    by_id: dict[str, dict[str, str]] = {}
    for name, kind in live.items():
        table, key = _parts(name)
        if key and table in names and kind == "BASE TABLE":
            by_id.setdefault(key, {})[table] = name
    for record in records.values():  # also tables that are not declared any more
        for each in record.manifest.get("tables", ()):
            if live.get(each["backup_table"]) == "BASE TABLE":
                by_id.setdefault(record.id, {})[each["table"]] = each["backup_table"]
    return [Backup(key, by_id[key], records.get(key)) for key in sorted(by_id, key=order, reverse=True)]


def _parts(name: str) -> tuple[str, str]:
    """The table and the id of a backup table's name; an empty id where it is none, such as one of a 31st of June."""
    match = _NAME.fullmatch(name)
    with suppress(ValueError):
        if match and _time(match["id"]):
            return match["table"], match["id"]
    return name, ""


def _time(key: str) -> datetime:
    return datetime.strptime(key[:15], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)


def order(key: str) -> tuple[str, int]:
    """What backups are sorted by: their time, then their number."""
    date, time, *again = key.split("_")
    return f"{date}_{time}", int(again[0]) if again else 1


def new_id(db: Database, taken: list[Backup], copy_to: str | None = None) -> str:
    """An id that no backup has: the server's UTC time to the second, with a number behind it where it is taken.

    With a schema that backups of others are copied to as well, the number is the connection's: they may be made in the
    same second.
    """
    stamp: str = db.value("SELECT DATE_FORMAT(UTC_TIMESTAMP(), '%Y%m%d_%H%i%s')")
    ids = {backup.id for backup in taken} | {*manifests.read(db)}
    ids |= {_parts(name)[1] for schema in (db.schema, copy_to) if schema for name in facts.tables(db, schema)}
    first = db.connection_id % 1000 if copy_to else 1
    keys = (stamp if n == 1 else f"{stamp}_{n}" for n in range(first, first + 1000))
    return next(key for key in keys if key not in ids)


def tables_with_keys(db: Database, backup: Backup) -> dict[str, Table]:
    """The backup's tables that still have foreign keys, by their names."""
    read = {name: read_table(db, name) for name in backup.tables.values()}
    return {name: table for name, table in read.items() if isinstance(table, Table) and table.foreign_keys}


def counters(db: Database, sql: SqlFolder) -> dict[str, int]:
    """Of each table the highest AUTO_INCREMENT that a backup had: ids below it may come back by a restore or a merge.

    Of the interactions it is above every id in the archive, too: two rows there of one id would count as states of one.
    """
    highest: dict[str, int] = {}
    if facts.table_exists(db, PARTS) and (last := db.value(f"SELECT MAX(max_id) FROM {PARTS}")):
        highest[declared.INTERACTIONS] = int(last) + 1
    for record in manifests.read(db).values():
        for each in record.manifest.get("tables", ()):
            highest[each["table"]] = max(highest.get(each["table"], 1), each.get("auto_increment") or 1)
    for backup in found(db, sql):
        for table, name in backup.tables.items():
            live = read_table(db, name)
            counter = live.auto_increment if isinstance(live, Table) else None
            highest[table] = max(highest.get(table, 1), counter or 1)
    return highest


def refuse_unfinished(db: Database, sql: SqlFolder) -> None:
    """Refuse while a backup has foreign keys: a rollback or restore was interrupted, and their names would collide."""
    for backup in found(db, sql):
        if tables_with_keys(db, backup):
            raise Refused(
                f"the backup {backup.id} still has its foreign keys: a rollback or a restore was interrupted. Nothing was changed",
                f"`rlops rollback` finishes the rollback, `rlops restore {backup.id}` brings the tables back.",
                "unfinished_rollback",
            )
