"""rlops' own table of backups: each one's manifest, what has become of it, and how far a copy or a merge has come.

A backup's states: `begun` before its rename, `kept` once its keys are dropped and its rows counted, `copied` once its
copy is complete, `merging` and `merged`, `restored`, `pruned`; `abandoned` when its run died before the rename.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from rlops import __version__, journal
from rlops.db import Database, Forbidden
from rlops.journal import Actor
from rlops.plan import Chunk, Step
from rlops.sqlfiles import SqlFolder

TABLE = "rlops_backup"
FILE = "backups/010_record"


@dataclass(frozen=True)
class Record:
    """One backup as rlops recorded it. `manifest` and `progress` are what is kept as JSON; times are UTC."""

    id: str
    state: str
    manifest: Mapping[str, Any]
    progress: Mapping[str, Any] = field(default_factory=dict)
    ticket: str | None = None
    os_user: str = ""
    host: str = ""
    account: str = ""
    rlops_version: str = __version__
    made_at: datetime | None = None

    def values(self) -> dict[str, Any]:
        """What the recording statement binds."""
        return {
            "backup_id": self.id, "state": self.state, "os_user": self.os_user, "host": self.host,
            "rlops_version": self.rlops_version, "ticket": self.ticket,
            "manifest": json.dumps(self.manifest, ensure_ascii=False, default=str),
            "progress": json.dumps(self.progress) if self.progress else None,
        }  # fmt: skip

    def now(self, state: str, **changed: Any) -> Record:
        """The same backup in another state, parts of its manifest changed."""
        return replace(self, state=state, manifest={**self.manifest, **changed})


def by(actor: Actor, ticket: str | None, backup_id: str, state: str, manifest: Mapping[str, Any]) -> Record:
    """A backup's first record."""
    return Record(backup_id, state, manifest, ticket=ticket, os_user=actor.os_user, host=actor.host)


def read(db: Database) -> dict[str, Record]:
    """Every recorded backup by its id; none where rlops has recorded none, or where the account may not read them."""
    if TABLE not in journal.existing(db):
        return {}
    try:
        rows = db.rows(f"SELECT * FROM {TABLE} ORDER BY id")
    except Forbidden:
        return {}
    return {
        row["id"]: Record(
            row["id"], row["state"], json.loads(row["manifest"]), json.loads(row["progress"] or "{}"), row["ticket"],
            row["os_user"], row["host"], row["account"], row["rlops_version"], row["made_at"].replace(tzinfo=UTC),
        )
        for row in rows
    }  # fmt: skip


def save_progress(db: Database, backup_id: str, part: str, progress: Mapping[str, Any]) -> None:
    """Note how far a part has come; commits with the chunk, in the caller's transaction."""
    kept = json.loads(db.value(f"SELECT progress FROM {TABLE} WHERE id = %s FOR UPDATE", (backup_id,)) or "{}")
    text = json.dumps({**kept, part: dict(progress)})
    db.execute(
        f"UPDATE {TABLE} SET progress = %s, updated_at = UTC_TIMESTAMP(6) WHERE id = %s",
        (text, backup_id),
    )


def progress(db: Database, backup_id: str, part: str) -> Mapping[str, Any]:
    """How far a part has come; empty where it has not begun."""
    text = db.value(f"SELECT progress FROM {TABLE} WHERE id = %s", (backup_id,))
    found: Mapping[str, Any] = json.loads(text or "{}").get(part, {})
    return found


def abandon(db: Database, present: set[str]) -> None:
    """Give up backups that were begun and never made; `present` are the ids that have tables."""
    for record in read(db).values():
        if record.state == "begun" and record.id not in present:
            db.execute(f"UPDATE {TABLE} SET state = 'abandoned' WHERE id = %s AND state = 'begun'", (record.id,))


def stop_merges(db: Database, tables: Sequence[str]) -> None:
    """Let merges into these tables begin anew: what they brought in has gone with the tables to another backup."""
    for record in read(db).values():
        left = {part: done for part, done in record.progress.items() if part not in tables}
        if len(left) < len(record.progress):
            merged = any(each["table"] in left for each in record.manifest["tables"])
            state = "merging" if merged else "copied" if record.manifest.get("copies") else "kept"
            text = json.dumps(left) if left else None
            db.execute(f"UPDATE {TABLE} SET state = %s, progress = %s WHERE id = %s", (state, text, record.id))


@dataclass(frozen=True)
class Note:
    """Records a backup, in one short transaction; `build` looks at the server for what there is to be said."""

    sql: SqlFolder
    build: Callable[[Database], Record]

    @property
    def total(self) -> int | None:
        """There are no rows of the user's in it."""
        return None

    def chunk(self, db: Database, after: Any, size: int) -> Chunk:
        """Write the record; the same when it is written twice."""
        del after, size
        statement = self.sql.statement(FILE, values=self.build(db).values())
        db.execute(statement.sql, statement.values)
        return Chunk(0, "recorded", last=True)


def step(sql: SqlFolder, name: str, build: Callable[[Database], Record]) -> Step:
    """The step that records a backup."""
    return Step(name, sql.file(FILE).outline({}, {}), work=Note(sql, build), records=True)
