"""What a manifest says of a table: all that is needed to know, years later, what was there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rlops import counting, facts
from rlops.db import Database, ServerError
from rlops.sqlfiles import SqlFolder, quote
from rlops.structure import ForeignKey, Table, normalise, read_table


def manifest(
    db: Database, sql: SqlFolder, mode: str, tables: Sequence[tuple[str, str, str]], copy_to: str | None = None
) -> dict[str, Any]:
    """The manifest of a backup. `tables` are the name, the backup's name, and under which of them it is at present."""
    return {
        "mode": mode,
        "database": db.schema,
        "engine": str(db.engine),
        "schema_version": sql.policy.schema_version,
        "copy_to": copy_to,
        "tables": [table(db, sql, name, kept, at) for name, kept, at in tables],
    }


def sizes(db: Database, at: str) -> dict[str, Any]:
    """Rows, with their source, and bytes of one table."""
    return {**counting.count(db, at).fields(), "bytes": facts.bytes_of(db, at)}


def table(db: Database, sql: SqlFolder, name: str, backup_table: str, at: str) -> dict[str, Any]:
    """Definition, keys, triggers, partitions, grants and counter of one table; `sizes` are added by who counts them."""
    live = read_table(db, at)
    assert isinstance(live, Table), at
    return {
        "table": name,
        "backup_table": backup_table,
        "definition": definition(db, at),
        "indexes": [{"name": i.name, "columns": i.columns, "unique": i.unique or i.primary} for i in live.indexes],
        "foreign_keys": [key(each) for each in live.foreign_keys],
        "triggers": [each for each in read(db, sql, "backups/130_triggers", {}) or () if each["table_name"] == at],
        "partitions": str(live.partitioning) if live.partitioning else None,
        "grants": grants(db, sql, name),
        "auto_increment": live.auto_increment,
    }


def definition(db: Database, name: str) -> str:
    """What SHOW CREATE TABLE says."""
    return str((db.row(f"SHOW CREATE TABLE {quote(name)}") or {})["Create Table"])


def grants(db: Database, sql: SqlFolder, table: str) -> list[dict[str, Any]]:
    """The grants on this very table, as far as the account may see them; they stay with the name when it is renamed."""
    found = read(db, sql, "backups/170_grants", {"tables": (table,)}) or ()
    return [{key: row[key] for key in ("grantee", "privilege", "grantable")} for row in found]


def read(db: Database, sql: SqlFolder, file: str, values: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The rows of a look at the schema; None where the account or the engine doesn't allow it."""
    statement = sql.statement(file, values={"schema": db.schema, **values})
    try:
        return db.rows(statement.sql, statement.values)
    except ServerError:
        return None


def key(each: ForeignKey) -> dict[str, Any]:
    """A foreign key as a manifest keeps it."""
    return {
        "name": each.name, "columns": each.columns, "ref_schema": each.ref_schema, "ref_table": each.ref_table,
        "ref_columns": each.ref_columns, "on_delete": each.on_delete, "on_update": each.on_update,
    }  # fmt: skip


def keys(described: Mapping[str, Any], declared: Table, family: str, live: Table) -> tuple[ForeignKey, ...]:
    """The foreign keys that the table had: by the manifest, else by the declared form, but for a partitioned table's.

    A partitioned table has none on MySQL and MariaDB (1506).
    """
    if "foreign_keys" in described:
        return tuple(
            ForeignKey(**{**each, "columns": tuple(each["columns"]), "ref_columns": tuple(each["ref_columns"])})
            for each in described["foreign_keys"]
        )
    return () if live.partitioning and family != "oceanbase" else normalise(declared, family).foreign_keys
