"""What a first `rlops migrate` left in a schema, as SQL that makes another schema the same: for tests that begin there."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import truth

from rlops.lock import lock_name

SQL = Path(__file__).parents[1] / "sql"
SHOP = {"users", "product"}
LEASE = "rlops_lease"  # where a run holds one, named by its schema
NEW_ID = "UPDATE rlops_state SET value = %s WHERE name = 'installation_id'"  # else the two were clones

Statements = list[tuple[str, list[Any]]]


def learn(database: Any) -> Statements:
    """The statements that make every table but the shop's own, and their rows."""
    found: Statements = []
    for table in sorted(truth.tables(database) - SHOP):
        found.append((declared(database, table) or truth.definition(database, table), []))
        if rows := database.query(f"SELECT * FROM {truth.quoted(table)}"):
            one = f"({', '.join(['%s'] * len(rows[0]))})"
            values = [value for row in rows for value in row.values()]
            found.append((f"INSERT INTO {truth.quoted(table)} VALUES {', '.join([one] * len(rows))}", values))
    return found


def repeat(database: Any, statements: Statements) -> None:
    """Carry them out, with an installation's id of the schema's own."""
    with database.connect() as connection, connection.cursor() as cursor:
        for sql, values in statements:
            cursor.execute(sql, values or None)
        cursor.execute(NEW_ID, (str(uuid.uuid4()),))
        if LEASE in truth.tables(database):
            cursor.execute(f"UPDATE {LEASE} SET name = %s", (lock_name(database.name),))


def declared(database: Any, table: str) -> str | None:
    """The file that creates a table of rlops'; None for one that no file creates.

    SHOW CREATE TABLE of a table made from SHOW CREATE TABLE differs: MySQL then repeats each column's charset.
    """
    for name in (f"*_{table}.{database.server.family}.sql", f"*_{table}.sql"):
        for path in (*(SQL / "create").glob(name), *(SQL / "own").glob(name)):
            return path.read_text()
    return None
