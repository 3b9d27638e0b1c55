"""What depends on tables that are about to be renamed: what would break, what goes along, and who is using them now."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rlops import blockers, privileges
from rlops.db import Database, TimedOut
from rlops.errors import Refused
from rlops.ops import server_facts
from rlops.ops.backups import describe
from rlops.sqlfiles import SqlFolder, quote

LOOK_FOR = 5.0  # seconds for other schemas' keys and triggers: MariaDB opens every table of the server for them
# Read from left to right, so that a quote inside of other quotes, or of a comment, begins nothing.
_PIECE = re.compile(
    r"""[^-'"`#/]+|'42S02'|(?P<unmeant>'(?:[^'\\]|\\.|'')*'|--(?=\s|$)[^\n]*|\#[^\n]*|/\*(?!M?!|T!).*?\*/)"""
    r"""|`(?:[^`]|``)*`|"(?:[^"\\]|\\.|"")*"|.""",
    re.DOTALL,
)
_NAME = r"""(?:`(?:[^`]|``)+`|"(?:[^"\\]|\\.|"")+"|[\w$]+)"""  # ANSI_QUOTES makes a name of double quotes
_NAMES = re.compile(rf"{_NAME}(?:\s*\.\s*{_NAME})*", re.DOTALL)
# A body that goes on where a table is missing doesn't break the statement that fires it.
_FORGIVING = re.compile(r"\bCONTINUE\s+HANDLER\s+FOR\s[^;]*?(\b1146\b|'42S02')", re.IGNORECASE)


@dataclass(frozen=True)
class Dependents:
    """What was found; names are as the server gives them. None: this account or engine doesn't show them."""

    views: tuple[str, ...] | None
    foreign_keys: tuple[Mapping[str, str], ...]
    triggers: tuple[str, ...]
    breaking_triggers: tuple[Mapping[str, str], ...]
    routines: tuple[str, ...] | None
    events: tuple[str, ...] | None
    sessions: tuple[str, ...]
    replication: tuple[str, ...]
    unseen: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """For the JSON document."""
        return asdict(self)

    def refuse(self, db: Database) -> None:
        """Raise Refused where the shop, or another table, would break; with the statements to run first."""
        refuse_keys(
            db, self.foreign_keys,
            "foreign keys of other tables refer to what would be renamed, and would follow it to the backup", "a restore",
        )  # fmt: skip
        if self.breaking_triggers:
            named = ", ".join(
                f"{t['name']} on {t['table_name']} (names {t['mentions']})" for t in self.breaking_triggers
            )
            drops = [f"DROP TRIGGER {_table(db, t['table_schema'], t['name'])};" for t in self.breaking_triggers]
            raise Refused(
                "triggers of other tables name what would be renamed, so that every statement that fires them would"
                f" fail (1146): {named}. Nothing was changed",
                "Drop them first (SHOW CREATE TRIGGER shows their text, to keep), and create them again after a restore:\n"
                + "\n".join(drops),
                "named_by_triggers",
            )

    def notes(self) -> tuple[str, ...]:
        """For people, before they are asked."""
        lines = [
            (self.views, "views that will fail until a restore"),
            (self.routines, "procedures and functions that will fail until a restore"),
            (self.events, "events that will fail until a restore"),
            (self.triggers, "triggers that go along with their table, and come back with it"),
            (self.sessions, "sessions that are using the tables now"),
            (self.replication, "replication to look at first"),
            (self.unseen, "not to be seen by this account"),
        ]
        return tuple(f"{text}: {', '.join(found)}" for found, text in lines if found)


def find(db: Database, sql: SqlFolder, tables: Sequence[str]) -> Dependents:
    """Everything that depends on these tables, as far as the account may see it. Raises ServerError."""
    views = describe.read(db, sql, "backups/110_views", {})
    routines = describe.read(db, sql, "backups/140_routines", {})
    events = describe.read(db, sql, "backups/150_events", {})
    triggers = describe.read(db, sql, "backups/130_triggers", {}) or []
    through = _indirect(db.schema, tables, [*(views or ()), *(routines or ())])
    elsewhere = _elsewhere(db, sql)
    others = [*(each for each in triggers if each["table_name"] not in tables), *(elsewhere or ())]
    return Dependents(
        None if views is None else _names(v for v in views if v["name"] in through),
        keys_of_others(db, sql, tables),
        _names({"name": f"{t['name']} on {t['table_name']}"} for t in triggers if t["table_name"] in tables),
        tuple(_breaking(db, others, [*tables, *through])),
        None if routines is None else _names(r for r in routines if r["name"] in through),
        None if events is None else _names(e for e in events if mentions(e["text"], [*tables, *through], db.schema)),
        _sessions(db, sql, tables),
        _replication(db),
        tuple(_unseen(db, routines, elsewhere)),
    )


def refuse_keys(db: Database, keys: Sequence[Mapping[str, str]], why: str, until: str) -> None:
    """Raise Refused for foreign keys that are in the way, if there are any; with the statements to run first."""
    if not keys:
        return
    named = ", ".join(f"{k['table_name']} ({k['name']} to {k['referenced']})" for k in keys)
    drops = [
        f"ALTER TABLE {_table(db, k['table_schema'], k['table_name'])} DROP FOREIGN KEY {quote(k['name'])};"
        for k in keys
    ]
    raise Refused(
        f"{why}: {named}. Nothing was changed",
        f"Drop them first, and add them again after {until}:\n" + "\n".join(dict.fromkeys(drops)),
        "referenced",
    )


def mentions(text: str | None, names: Iterable[str], schema: str, at: str | None = None) -> str:
    """The first of the names in `schema` that a piece of SQL mentions, but for what is in strings and comments.

    `at` is the schema that an unqualified name is looked up in, where that is another one.
    """
    found = set()
    for match in _NAMES.finditer(_bare(text)):
        first, *more = (_unquoted(part) for part in re.findall(_NAME, match[0], re.DOTALL))
        found |= {((at or schema).lower(), first), *((first, name) for name in more[:1])}
    return next((name for name in names if (schema.lower(), name.lower()) in found), "")


def _bare(text: str | None) -> str:
    return _PIECE.sub(lambda match: " " if match["unmeant"] else match[0], text or "")


def _unquoted(name: str) -> str:
    quoting = name[0] if name[0] in '`"' else ""
    return (name[1:-1].replace(quoting * 2, quoting) if quoting else name).lower()


def _indirect(schema: str, tables: Sequence[str], objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """The views and routines that mention the tables, or that mention one that does."""
    through: list[str] = []
    while True:
        more = [
            each["name"] for each in objects
            if each["name"] not in through and mentions(each["text"], [*tables, *through], schema)
        ]  # fmt: skip
        if not more:
            return through
        through += dict.fromkeys(more)


def _breaking(db: Database, triggers: Iterable[Mapping[str, Any]], names: Sequence[str]) -> Iterable[Mapping[str, str]]:
    for each in triggers:
        at = each.get("table_schema", db.schema)
        named = mentions(each["text"], names, db.schema, at)
        if named and not _FORGIVING.search(_bare(each["text"])):
            yield {"name": each["name"], "table_schema": at, "table_name": each["table_name"], "mentions": named}


def _elsewhere(db: Database, sql: SqlFolder) -> list[dict[str, Any]] | None:
    """The triggers of other schemas; None where they can't be read in time, or at all."""
    with db.statement_limit(LOOK_FOR):
        return describe.read(db, sql, "backups/135_triggers_elsewhere", {})


def keys_of_others(db: Database, sql: SqlFolder, tables: Sequence[str]) -> tuple[Mapping[str, str], ...]:
    """The foreign keys of other tables that refer to these, as far as the account may see them."""
    inside = {(db.schema.lower(), name.lower()) for name in tables}
    keys = referring(db, sql, tables)
    return tuple(k for k in keys if (k["table_schema"].lower(), k["table_name"].lower()) not in inside)


def referring(db: Database, sql: SqlFolder, tables: Sequence[str]) -> list[Mapping[str, str]]:
    """The foreign keys that refer to these tables, their own among them, as far as the account may see them."""
    statement = sql.statement("backups/120_foreign_keys", values={"schema": db.schema, "tables": tuple(tables)})
    try:
        with db.statement_limit(LOOK_FOR):
            return [*db.rows(statement.sql, statement.values)]
    except TimedOut:
        return [*db.rows(statement.sql + f" AND TABLE_SCHEMA = {_literal(db.schema)}", statement.values)]


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''").replace("%", "%%") + "'"


def _sessions(db: Database, sql: SqlFolder, tables: Sequence[str]) -> tuple[str, ...]:
    statement = sql.statement("backups/160_sessions")
    found = {
        int(row["id"]): f"connection {row['id']} of {row['user']}@{row['host']}"
        for row in db.rows(statement.sql, statement.values)
        if mentions(row["text"], tables, db.schema)
    }
    for each in blockers.find(db, sql, tables) or ():
        if each.certain:
            found.setdefault(each.id, str(each))
    return tuple(found.values())


def _replication(db: Database) -> tuple[str, ...]:
    facts = server_facts.replication(db, privileges.own(db))
    return tuple(f"{fact.name}: {fact.value} ({fact.why})" for fact in facts if fact.ok is None and _said(fact.value))


def _said(value: str) -> bool:
    return value != server_facts.ABSENT and not value.startswith(server_facts.UNKNOWN)


def _unseen(db: Database, routines: Sequence[Mapping[str, Any]] | None, elsewhere: object) -> Iterable[str]:
    held = privileges.own(db)
    if not held.has("TRIGGER", db.schema) and db.family != "oceanbase":
        yield "triggers of other tables, which would fail if they name these (needs TRIGGER on the schema)"
    elif not held.has("TRIGGER") and db.family != "oceanbase":
        yield "triggers of other schemas, which would fail if they name these (needs TRIGGER on *.*)"
    elif elsewhere is None:
        yield "triggers of other schemas, which would fail if they name these (they took too long to read)"
    if any(each["text"] is None for each in routines or ()):
        yield "the text of some procedures and functions"
    if not held.has("PROCESS"):
        yield "other accounts' sessions (needs PROCESS)"


def _names(rows: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted({str(row["name"]) for row in rows}))


def _table(db: Database, schema: str, name: str) -> str:
    return quote(name) if schema == db.schema else f"{quote(schema)}.{quote(name)}"
