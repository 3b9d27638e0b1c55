"""Steps that several cases share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import tools
from ..servers import TABLES, Place, Schema
from ..tools import Project

PLAIN = ("rlops", "dbmate", "liquibase", "skeema")
SPLIT = ("rlops", "dbmate", "dbmate split", "liquibase", "liquibase split", "skeema")


def each(server: Place, folder: Path, names: tuple[str, ...] = PLAIN) -> Iterator[tuple[Schema, Project]]:
    """A new schema and a new project for each tool that can be had; the schema is dropped after its turn."""
    for name in names:
        schema = server.schema()
        try:
            if project := tools.all_of(schema, folder, name):
                yield schema, project
        finally:
            server.drop(schema)


def right(server: Place, schema: Schema) -> bool:
    """Whether all three tables are there, exactly as the files say."""
    model = server.schema()
    try:
        model.execute(*tools.creates())
        return definitions(schema) == definitions(model)
    finally:
        server.drop(model)


def definitions(schema: Schema) -> dict[str, list[str]]:
    """The lines of SHOW CREATE TABLE of those of the three that exist, whatever their order and without defaults."""
    with schema.connect() as connection, connection.cursor() as cursor:
        found = {}
        for table in schema.tables():
            cursor.execute(f"SHOW CREATE TABLE {table}")
            text = str(cursor.fetchone()[1]).replace(" CHARACTER SET utf8mb4", "")  # type: ignore[index]
            found[table] = sorted(line.strip(" ,") for line in text.splitlines())
        return found


def tally(schema: Schema) -> str:
    """For people: "1 of 3 tables"."""
    return f"{len(schema.tables())} of {len(TABLES)} tables"


@contextmanager
def idle_reader(schema: Schema) -> Iterator[Any]:
    """A session that has read a user in a transaction and then does nothing, until the block ends or commits it."""
    connection = schema.connect(autocommit=False)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM users LIMIT 1")
            cursor.fetchall()
        yield connection
    finally:
        connection.close()


def waits_for_metadata(schema: Schema) -> bool:
    """Whether a statement that changes this schema waits for a metadata lock now (a reader behind it doesn't count)."""
    sql = (
        "SELECT id FROM information_schema.PROCESSLIST WHERE db = %s AND state LIKE 'Waiting for%%metadata lock'"
        " AND info NOT LIKE 'SELECT email%%'"
    )
    return bool(schema.column(sql, schema.name))
