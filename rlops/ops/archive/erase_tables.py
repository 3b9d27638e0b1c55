"""Erases rows from the tables beside the three: backups and their copies, what restores kept, staging and hold tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rlops import facts, manifests, privileges, rowhash
from rlops.db import NO_TABLE, Database, Forbidden, ServerError, TimedOut
from rlops.errors import Failed
from rlops.ids import LEAST
from rlops.manifests import Record
from rlops.ops import declared
from rlops.ops.archive.wanted import Wanted
from rlops.ops.backups import copy
from rlops.plan import Chunk
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import Column, Table, parse_create_table, read_table

# What a table's name has behind that of the live one, and what it then is.
MARKS: Mapping[str, str] = {
    "__backup_": "backup", "__set_aside_": "set aside", "__conflict_": "conflict", "__replaced_": "replaced",
    "__restored_": "staging", "__hold": "hold",
}  # fmt: skip
Gone = Mapping[str, frozenset[int]]  # by column
LOOK = 2_000  # rows that one transaction looks at
COUNT_FOR = 60.0  # seconds for one table


@dataclass(frozen=True)
class Beside:
    """A table that holds rows of `table`. `schema` is None for the tables' own."""

    name: str
    table: str
    kind: str
    key: str
    columns: tuple[Column, ...]
    schema: str | None = None
    backup: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def words(self) -> Keywords:
        """Its name as it stands in a statement."""
        return Keywords((f"{quote(self.schema)}.{quote(self.name)}" if self.schema else quote(self.name),))

    def looked_at(self, wanted: Wanted) -> list[str]:
        """The columns that say whose a row is."""
        names = {column.name.lower() for column in self.columns}
        return [column for column in wanted.columns if column in names]


@dataclass
class Found:
    """The tables, why some are left alone, and what is no fault but is to be told."""

    tables: list[Beside] = field(default_factory=list)
    unreached: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def find(db: Database, sql: SqlFolder, wanted: Wanted) -> Found:
    """Every table beside the three that names users or products."""
    found, records = Found(), manifests.read(db)
    owners = {each["backup_table"]: record for record in records.values() for each in record.manifest.get("tables", ())}
    for name, kind in sorted(facts.tables(db).items()):
        parts = _taken_apart(name, declared.names(sql)) if kind == "BASE TABLE" else None
        if parts is None:
            continue
        table = read_table(db, name)
        if isinstance(table, Table):
            _add(found, wanted, table, Beside(name, *parts, "", table.columns), owners.get(name))
    for record in records.values():
        for beside in _copies(record):
            _copy(db, found, wanted, record, beside)
    return found


def _taken_apart(name: str, live: Sequence[str]) -> tuple[str, str] | None:
    for table in live:
        for mark, kind in MARKS.items():
            if name.startswith(table + mark):
                return table, kind
    return None


def _add(found: Found, wanted: Wanted, table: Table, beside: Beside, record: Record | None) -> None:
    key = copy.key_column(table)
    if not beside.looked_at(wanted):
        return
    reason = ""
    if table.foreign_keys or (record and record.state == "begun"):
        reason = "its rollback or restore is unfinished; finish that, then erase again"
    elif record and record.state == "kept" and record.manifest.get("copy_to"):
        reason = "its copy to another schema is unfinished; `rlops rollback` finishes it, then erase again"
    elif key is None:
        reason = "it has no primary key that starts with an integer, along which it could be read in chunks"
    elif beside.schema and (why := rowhash.refusal(table.columns)):
        reason = f"its hash can't be kept: {why}"
    if reason:
        found.unreached[str(beside)] = reason
    else:
        found.tables.append(replace(beside, key=key or "", backup=record.id if record else None))


def _copies(record: Record) -> Iterator[Beside]:
    names = {each["table"]: each["backup_table"] for each in record.manifest.get("tables", ())}
    for each in record.manifest.get("copies", ()):
        yield Beside(names[each["table"]], each["table"], "copy", "", (), record.manifest["copy_to"])


def _copy(db: Database, found: Found, wanted: Wanted, record: Record, beside: Beside) -> None:
    name, schema = beside.name, beside.schema or ""
    try:
        row = db.row(f"SHOW CREATE TABLE {beside.words.words[0]}") or {}
    except Forbidden as error:
        found.unreached[str(beside)] = f"this account may not read it ({error.text})"
        return
    except ServerError as error:
        if error.number not in NO_TABLE and copy.exists(db, schema):
            raise
        found.notes.append(f"{beside}, the copy of a backup, is not there any more, or not for this account to see")
        return
    if not privileges.own(db).has("DELETE", schema, name):
        found.unreached[str(beside)] = f"this account lacks DELETE on {quote(schema)}.{quote(name)}"
        return
    table = parse_create_table(row["Create Table"])
    _add(found, wanted, table, replace(beside, columns=table.columns), record)


def count(db: Database, sql: SqlFolder, wanted: Wanted, beside: Beside) -> tuple[int | None, int | None, Gone | None]:
    """A table's rows, those that are to go, and whose they are; None where that takes longer than COUNT_FOR."""
    columns = beside.looked_at(wanted)
    statement = sql.statement(
        "archive/120_count_wanted",
        {"table": beside.words, "condition": Keywords((wanted.condition(db, columns),))},
    )
    try:
        with db.statement_limit(COUNT_FOR):
            row = db.row(statement.sql) or {}
            gone = {column: _gone(db, sql, wanted, beside, column) for column in columns if row["wanted"]}
            return int(row["row_count"]), int(row["wanted"]), gone
    except TimedOut:
        return None, None, None


def _gone(db: Database, sql: SqlFolder, wanted: Wanted, beside: Beside, column: str) -> frozenset[int]:
    text = wanted.condition(db, [column])
    names = {"table": beside.words, "column": column, "condition": Keywords((text,))}
    return frozenset(int(row["id"]) for row in db.rows(sql.statement("archive/125_gone_parents", names).sql))


@dataclass
class Rows:
    """The work on one table: looks at some rows along the key, and deletes those that are to go.

    Only rows of those who were `gone` when they were counted, where that was possible, whoever else is missing by now.
    A position is this run's mark and a key: a run begins at the table's start, since users may have gone meanwhile.
    """

    sql: SqlFolder
    wanted: Wanted
    beside: Beside
    total: int | None
    gone: Gone | None = None
    erased: int = 0
    _run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Look at the next rows, in the caller's transaction. Raises Failed when other rows go than were hashed."""
        del size
        start = after[1] if after and after[0] == self._run else LEAST
        upto = self._value(db, "archive/130_next_rows", after=start, limit=LOOK)
        if upto is None:
            return Chunk(0, [self._run, start], last=True)
        bounds = {"after": start, "upto": int(upto)}
        gone = [self._erase(db, column, bounds) for column in self.beside.looked_at(self.wanted)]
        rows = sum(each["row_count"] for each in gone)
        if rows:
            self._note(db, gone, rows)
        self.erased += rows
        return Chunk(rows, [self._run, int(upto)], last=False)

    def _statement(self, file: str, names: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
        wanted = self.sql.file(file).names
        every = {"table": self.beside.words, "key": self.beside.key, **names}
        return self.sql.statement(file, {name: every[name] for name in wanted}, values)

    def _value(self, db: Database, file: str, **values: Any) -> Any:
        statement = self._statement(file, {}, values)
        return db.value(statement.sql, statement.values)

    def _erase(self, db: Database, column: str, bounds: Mapping[str, int]) -> dict[str, int]:
        """Delete the range's rows of those parents; returns their number and hash, the latter of a copy's rows alone."""
        named = self._statement("archive/140_parents_named", {"column": column}, bounds)
        found = {row["id"] for row in db.rows(named.sql, named.values)}
        ids = self.wanted.among(
            db, self.sql, column, found if self.gone is None else found & self.gone.get(column, frozenset())
        )
        if not ids:
            return {"row_count": 0, "xor1": 0, "xor2": 0}
        values, hashed = {**bounds, "ids": sorted(ids)}, {"row_count": 0, "xor1": 0, "xor2": 0, "unhashed": 0}
        if self.beside.kind == "copy":
            names = {"column": column, "hash": Keywords((rowhash.aggregate(self.beside.columns),))}
            query = self._statement("archive/150_hash_erased", names, values)
            hashed = {name: int(value) for name, value in (db.row(query.sql, query.values) or {}).items()}
        delete = self._statement("archive/160_erase_rows", {"column": column}, values)
        rows = db.execute(delete.sql, delete.values)
        if self.beside.kind == "copy" and (rows != hashed["row_count"] or hashed["unhashed"]):
            raise Failed(
                f"{rows:,} rows of {self.beside} would go, and {hashed['row_count'] - hashed['unhashed']:,} were hashed;"
                " the chunk was rolled back",
                "Somebody else writes to it, or a row is longer than max_allowed_packet.", "other_count",
            )  # fmt: skip
        return {**hashed, "row_count": rows}

    def _note(self, db: Database, gone: Sequence[Mapping[str, int]], rows: int) -> None:
        """In the chunk's transaction: let the backup's manifest agree with what its table, or its copy, holds."""
        record = manifests.read(db).get(self.beside.backup or "")
        if record is None:
            return
        listed = "copies" if self.beside.kind == "copy" else "tables"
        changed = [
            _less(each, gone, rows) if each["table"] == self.beside.table else each for each in record.manifest[listed]
        ]
        statement = self.sql.statement(manifests.FILE, values=record.now(record.state, **{listed: changed}).values())
        db.execute(statement.sql, statement.values)


def _less(each: Mapping[str, Any], gone: Sequence[Mapping[str, int]], rows: int) -> dict[str, Any]:
    left = {**each, "erased_rows": each.get("erased_rows", 0) + rows}
    if each.get("rows") is not None:
        left["rows"] = max(0, each["rows"] - rows)
    for half in ("xor1", "xor2"):
        if each.get(half) is not None:
            for part in gone:
                left[half] = left[half] ^ part[half]
    return left
