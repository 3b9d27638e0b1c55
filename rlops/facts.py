"""Looks at the live schema: what exists, and whether an expected fact holds."""

from __future__ import annotations

from rlops.db import Database
from rlops.plan import Expect
from rlops.structure import Table, read_table


def tables(db: Database, schema: str = "") -> dict[str, str]:
    """Every table and view of the schema, the session's by default, that this account may see, with its type."""
    found = db.rows(
        "SELECT TABLE_NAME AS name, TABLE_TYPE AS type FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s",
        (schema or db.schema,),
    )
    return {row["name"]: row["type"] for row in found}


def table_exists(db: Database, name: str) -> bool:
    """Whether a table or view of that name exists."""
    sql = "SELECT COUNT(*) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return bool(db.value(sql, (db.schema, name)))


def foreign_key_exists(db: Database, table: str, name: str) -> bool:
    """Whether that table has a foreign key of that name.

    Read from SHOW CREATE TABLE: MariaDB hides constraints in information_schema from an account with SELECT alone.
    """
    live = read_table(db, table)
    return isinstance(live, Table) and any(key.name == name for key in live.foreign_keys)


def trigger_exists(db: Database, table: str, name: str) -> bool:
    """Whether that table has a trigger of that name. An account without TRIGGER on it is shown none."""
    sql = (
        "SELECT COUNT(*) AS n FROM information_schema.TRIGGERS"
        " WHERE TRIGGER_SCHEMA = %s AND EVENT_OBJECT_TABLE = %s AND TRIGGER_NAME = %s"
    )
    return bool(db.value(sql, (db.schema, table, name)))


def is_partitioned(db: Database, table: str) -> bool:
    """Whether that table is there and has partitions."""
    live = read_table(db, table)
    return isinstance(live, Table) and live.partitioning is not None


def holds(db: Database, expect: Expect) -> bool:
    """Whether an expected fact holds on the live schema."""
    if expect.kind == "query":
        return bool(db.value(expect.name)) == expect.present
    if expect.kind == "table":
        return table_exists(db, expect.table) == expect.present
    if expect.kind == "trigger":
        return trigger_exists(db, expect.table, expect.name) == expect.present
    if expect.kind == "partitions":
        return is_partitioned(db, expect.table) == expect.present
    return foreign_key_exists(db, expect.table, expect.name) == expect.present


def bytes_of(db: Database, name: str) -> int:
    """A table's data and indexes in bytes: the server's estimate (information_schema.TABLES)."""
    sql = (
        "SELECT DATA_LENGTH + INDEX_LENGTH AS bytes FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    )
    return int(db.value(sql, (db.schema, name)) or 0)


def describe(db: Database, name: str) -> dict[str, object]:
    """A table's name, creation time, collation and engine. Times are UTC."""
    sql = (
        "SELECT CREATE_TIME AS created, TABLE_COLLATION AS collation, ENGINE AS engine"
        " FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    )
    found = db.row(sql, (db.schema, name)) or {}
    return {"name": name, **{key.lower(): value for key, value in found.items()}}
