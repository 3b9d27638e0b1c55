"""Copies a backup's frozen tables to another schema, in chunks along the primary key, and compares each chunk's hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rlops import counting, manifests, privileges, rowhash
from rlops.db import Database
from rlops.engines import EXACT
from rlops.errors import Denied, Failed, Refused
from rlops.manifests import Record
from rlops.ops.backups.found import Backup
from rlops.plan import Chunk, Expect, Step
from rlops.sqlfiles import Keywords, SqlFolder, quote
from rlops.structure import Column, Table, read_table
from rlops.structure.model import literal

NEEDED = ("CREATE", "SELECT", "INSERT")
INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")


def refuse(db: Database, destination: str, tables: Mapping[str, Table]) -> None:
    """Check that a copy is possible at all, before anything is renamed.

    Raises Refused for a schema that is missing or the tables' own, and for a table that can't be read along its key
    or compared.
    """
    if destination.lower() == db.schema.lower():
        raise Refused(
            f"{destination} is the tables' own schema. Nothing was changed", "Name another one.", "same_schema"
        )
    if not exists(db, destination):
        raise Refused(
            f"there is no schema {destination}, or this account may not see it. Nothing was changed",
            f"CREATE DATABASE {quote(destination)};", "no_schema",
        )  # fmt: skip
    for name, table in tables.items():
        refuse_table(name, table)
        if reason := rowhash.refusal(table.columns):
            raise Refused(
                f"{name} can't be compared with a copy: {reason}. Nothing was changed",
                "`rlops rollback` without --backup copy keeps every row by a rename.",
                "not_comparable",
            )


def denied(db: Database, destination: str) -> Denied | None:
    """What is wrong, with the GRANT to run, when this session's account may not write the copy."""
    held = privileges.own(db)
    lacking = [privilege for privilege in NEEDED if not held.has(privilege, destination)]
    if not lacking:
        return None
    account = privileges.current(db)
    return Denied(
        f"{account} lacks what a copy needs: {', '.join(lacking)} on {quote(destination)}.*. No table was changed",
        f"An administrator runs:\nGRANT {', '.join(lacking)} ON {quote(held.pattern(destination))}.* TO {account};",
        "missing_privileges",
    )


def refuse_table(name: str, table: Table) -> None:
    """Check that a table can be read along its primary key. Raises Refused."""
    if key_column(table) is None:
        raise Refused(
            f"{name} has no primary key that starts with an integer, along which its rows could be read in chunks."
            " Nothing was changed",
            "Without chunks there are the rename and the plain restore.",
            "no_integer_key",
        )


def key_column(table: Table) -> str | None:
    """The first column of the primary key, if it is an integer."""
    types = {column.name.lower(): rowhash.base(column) for column in table.columns}
    for index in table.indexes:
        if index.primary and types.get(index.parts[0].column.lower()) in INTEGERS:
            return index.parts[0].column
    return None


def exists(db: Database, schema: str) -> bool:
    """Whether a schema of that name is there."""
    return bool(db.value("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (schema,)))


def plain(columns: tuple[Column, ...]) -> list[str]:
    """The columns that take values: all but the generated ones."""
    return [column.name for column in columns if not column.generated]


def ends_at(
    db: Database, sql: SqlFolder, table: str, key: str, *, after: int | None, size: int
) -> tuple[int, int] | None:
    """The next rows of a table along its key: behind which value and up to which; None where there are no more."""
    if after is None:
        least = db.value(f"SELECT MIN({quote(key)}) FROM {quote(table)}")
        if least is None:
            return None
        after = int(least) - 1
    found = sql.statement("rollback/120_next_range", {"backup": table, "key": key}, {"after": after, "limit": size})
    upto = db.value(found.sql, found.values)
    return None if upto is None else (after, int(upto))


@dataclass(frozen=True)
class Copy:
    """Copies one table; each chunk is compared, and commits together with how far the copy has come."""

    sql: SqlFolder
    backup_id: str
    backup: str
    destination: str
    total: int | None
    anew: bool = False
    """Whether the copy is made now, so that what an earlier one had come to doesn't count."""

    @property
    def copy(self) -> str:
        """The copy's qualified name, quoted."""
        return f"{quote(self.destination)}.{quote(self.backup)}"

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Copy the next rows. Raises Failed when the copy differs from the backup."""
        table = read_table(db, self.backup)
        assert isinstance(table, Table)
        key = key_column(table)
        assert key
        begins = self.anew and after is None
        done = {} if begins else dict(manifests.progress(db, self.backup_id, self.backup))
        bounds = ends_at(db, self.sql, self.backup, key, after=done.get("after"), size=size)
        if bounds is None:
            self._whole(db, done.get("rows", 0))
            manifests.save_progress(
                db, self.backup_id, self.backup, {"rows": 0, "xor1": 0, "xor2": 0} | done | {"done": True}
            )
            return Chunk(0, done.get("after"), last=True)
        values = dict(zip(("after", "upto"), bounds, strict=True))
        columns = plain(table.columns)
        names = {"backup": self.backup, "copy": Keywords((self.copy,)), "columns": columns, "key": key}
        insert = self.sql.statement("rollback/130_copy_rows", names, values)
        with db.sql_mode(EXACT):
            db.execute(insert.sql, insert.values)
        here, there = (self._hash(db, name, table, key, values) for name in (quote(self.backup), self.copy))
        if here != there or here["unhashed"]:
            raise Failed(
                f"rows {bounds[0] + 1} to {bounds[1]} of {self.copy} differ from those of {self.backup}:"
                f" {there['row_count']} rows with another hash than {here['row_count']}",
                f"Somebody else wrote to it, or a row is longer than max_allowed_packet. DROP TABLE {self.copy}; then"
                " `rlops rollback` copies it anew.",
                "copy_differs",
            )
        kept = {
            "after": bounds[1], "rows": done.get("rows", 0) + here["row_count"],
            "xor1": done.get("xor1", 0) ^ here["xor1"], "xor2": done.get("xor2", 0) ^ here["xor2"],
        }  # fmt: skip
        manifests.save_progress(db, self.backup_id, self.backup, kept)
        return Chunk(here["row_count"], bounds[1], last=False)

    def _whole(self, db: Database, rows: int) -> None:
        """Check that the copy has what was copied and nothing else: each range was compared, but not what lies outside."""
        found = int(db.value(f"SELECT COUNT(*) FROM {self.copy}"))
        if found != rows:
            raise Failed(
                f"{self.copy} has {found:,} rows, and {rows:,} were copied: somebody else wrote to it",
                f"DROP TABLE {self.copy}; then `rlops rollback` copies it anew.",
                "copy_differs",
            )

    def _hash(self, db: Database, name: str, table: Table, key: str, values: Mapping[str, Any]) -> dict[str, int]:
        names = {
            "table": Keywords((name,)), "key": key, "hash": Keywords((rowhash.of_digests("digest"),)),
            "digest": Keywords((rowhash.digest(table.columns),)),
        }  # fmt: skip
        statement = self.sql.statement("rollback/140_hash_rows", names, values)
        return {key: int(value) for key, value in (db.row(statement.sql, statement.values) or {}).items()}


def steps(
    db: Database, sql: SqlFolder, backup: Backup, destination: str, rows: Mapping[str, int], *, volatile: bool = False
) -> list[Step]:
    """The steps that copy what is not copied yet. `volatile`: the backup's name has a time in it and isn't there yet."""
    planned, unsaid = [], ("copy", "backup") if volatile else ()
    for name in backup.tables.values():
        done = backup.record.progress.get(name, {}) if backup.record else {}
        if done.get("done"):
            continue
        sought = f"TABLE_SCHEMA = {literal(destination)} AND TABLE_NAME = {literal(name)}"
        there = f"SELECT COUNT(*) FROM information_schema.TABLES WHERE {sought}"
        anew = volatile or not db.value(there)
        work = Copy(sql, backup.id, name, destination, rows.get(name), anew)
        if anew:
            names = {"copy": Keywords((work.copy,)), "backup": name}
            statement = sql.statement("rollback/110_create_copy", names, volatile=unsaid).held_to(destination)
            planned.append(Step(f"create {destination}.{name}", statement, (Expect("query", "", there),)))
        outline = sql.file("rollback/130_copy_rows").outline(
            {"copy": Keywords((work.copy,)), "backup": name, "columns": Keywords(("*",)), "key": "id"}, {}, unsaid
        )
        planned.append(Step(f"copy {name} to {destination}", outline.held_to(destination), work=work))
    return planned


def unfinished(backup: Backup) -> str | None:
    """The schema that a backup is still to be copied to, if it is."""
    record = backup.record
    if record is None or record.state not in ("begun", "kept"):
        return None
    found = record.manifest.get("copy_to")
    return str(found) if found else None


def completed(db: Database, record: Record) -> Record:
    """The record of a backup whose copy is whole: each table's rows and hash, as both sides had them."""
    progress = manifests.read(db)[record.id].progress
    copies = [
        {
            "table": each["table"], "copy": f"{record.manifest['copy_to']}.{each['backup_table']}",
            **{key: progress.get(each["backup_table"], {}).get(key) for key in ("rows", "xor1", "xor2")},
        }
        for each in record.manifest["tables"]
    ]  # fmt: skip
    return record.now("copied", copies=copies)


def rows_of(db: Database, backup: Backup) -> dict[str, int]:
    """How many rows each table of a backup has, for the progress bar."""
    return {name: counting.count(db, name).rows for name in backup.tables.values()}
