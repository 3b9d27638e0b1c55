"""Reads what the server has: tables and triggers. Writes nothing and needs SELECT alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from rlops import privileges
from rlops.db import NO_TABLE, Database, Forbidden, ServerError
from rlops.errors import Denied, Failed, Usage
from rlops.sqlfiles import quote
from rlops.structure.model import Other, Table, Trigger
from rlops.structure.parse import parse_create_table

_TRIGGERS = """
SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS `table`, ACTION_TIMING AS timing, EVENT_MANIPULATION AS event,
       DEFINER AS definer, ACTION_STATEMENT AS action
  FROM information_schema.TRIGGERS
 WHERE EVENT_OBJECT_SCHEMA = %s AND EVENT_OBJECT_TABLE = %s
 ORDER BY TRIGGER_NAME"""


class Server(Protocol):
    """The part of a session that is needed here."""

    schema: str

    @property
    def family(self) -> str:
        """The engine's family."""

    def rows(self, sql: str, values: Mapping[str, Any] | Sequence[Any] | None = None) -> list[dict[str, Any]]:
        """All rows of a query; values None means no %-formatting."""


def read_table(db: Server, name: str) -> Table | Other | None:
    """The live table, or what else has its name, or None if there is none.

    Raises Denied when the account may not see it (which is not absence), ServerError when the query fails otherwise,
    Failed when the server's own text can't be understood.
    """
    try:
        rows = db.rows(f"SHOW CREATE TABLE {quote(name)}")
    except Forbidden as error:
        hint = f"GRANT SELECT ON {quote(db.schema)}.{quote(name)}; without it the table can't be told from none."
        raise Denied(f"the account may not see whether {name} exists: {error.text}", hint) from error
    except ServerError as error:
        if error.number in NO_TABLE:
            return None
        raise
    if "Create Table" not in rows[0]:
        return Other(name, "view")
    text = rows[0]["Create Table"]
    try:
        table = parse_create_table(text)
    except Usage as error:
        raise Failed(f"can't understand SHOW CREATE TABLE {name}: {error.message}") from error
    if ("SEQUENCE", "1") in table.options:
        return Other(name, "sequence")
    return _own_schema(table, db.schema)


def _own_schema(table: Table, schema: str) -> Table:
    """The table with references into its own schema unqualified: OceanBase qualifies them all."""
    keys = tuple(replace(key, ref_schema=None) if key.ref_schema == schema else key for key in table.foreign_keys)
    return replace(table, foreign_keys=keys)


def read_triggers(db: Database, table: str) -> tuple[Trigger, ...]:
    """The table's triggers, by name.

    Raises Denied when none show and the account lacks the TRIGGER privilege that would show them.
    """
    if not db.engine.can.triggers:
        return ()
    triggers = tuple(Trigger(**row) for row in db.rows(_TRIGGERS, (db.schema, table)))
    if not triggers and not privileges.own(db).has("TRIGGER", db.schema, table):
        hint = f"GRANT TRIGGER ON {quote(db.schema)}.{quote(table)} to the account."
        raise Denied(f"the account may not see the triggers of {table}", hint)
    return triggers
