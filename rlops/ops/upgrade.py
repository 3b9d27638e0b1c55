"""Takes an installation from its recorded version to the declared one, by the files of `sql/upgrade/FROM--TO/`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from rlops import facts, journal
from rlops.db import Database, ServerError
from rlops.errors import Refused
from rlops.plan import Expect, Step
from rlops.sqlfiles import SqlFile, SqlFolder


def pending(sql: SqlFolder, recorded: str | None) -> list[SqlFile]:
    """The upgrade files between the recorded version and the declared one, in order; none for a new installation.

    Raises Refused when no chain of folders leads from one to the other, or one leads back.
    """
    wanted = sql.policy.schema_version
    at = recorded or wanted
    chain: list[SqlFile] = []
    passed: list[str] = []
    while at != wanted:
        passed.append(at)
        ways = {key.split("/")[1] for key in sql.files if key.startswith(f"upgrade/{at}--")}
        circle = any(way.split("--")[1] in passed for way in ways)
        if len(ways) != 1 or circle:
            found = (", ".join(sorted(ways)) or "none") + (", in a circle" if circle else "")
            raise Refused(
                f"the tables are at version {recorded}, {sql.root} declares {wanted}, and from {at} the upgrade folders are: {found}."
                " Nothing was changed",
                "Use the rlops or the --sql-dir that belongs to this version.",
                "no_upgrade",
            )
        (way,) = ways
        chain += sql.group(f"upgrade/{way}")
        at = way.split("--")[1]
    return chain


def steps(
    db: Database, sql: SqlFolder, files: Iterable[SqlFile], live: set[str], parents: tuple[str, ...]
) -> list[Step]:
    """The upgrades that are not applied yet, to tables that exist; a table that is missing is created new.

    Raises Refused when one copies a table that is larger than the policy allows.
    """
    planned = []
    for file in files:
        if file.table not in live or db.value(file.done):
            continue
        if file.algorithm == "copy":
            _refuse_large_copy(db, sql, file)
        planned.append(
            Step(
                f"upgrade: {file.title}",
                file.statement(),
                (Expect("query", file.table, file.done),),
                touches=(file.table, *parents),
            )
        )
    return planned


def record_version(sql: SqlFolder) -> Step:
    """The step that records the declared version."""
    version = sql.policy.schema_version
    statement = sql.statement("migrate/030_record_version", values={"schema_version": version})
    return Step(f"record version {version}", statement, records=True, repeatable=True)


def _refuse_large_copy(db: Database, sql: SqlFolder, file: SqlFile) -> None:
    size, limit = _bytes(db, sql, file.table), sql.policy.upgrade.max_copy_bytes
    if size > limit:
        raise Refused(
            f"{file.key} copies {file.table} while its writers wait; it has about {size:,} bytes, and the policy's limit is {limit:,}."
            " Nothing was changed",
            "Write the upgrade so that it is instant or in place, or raise max_copy_bytes in policy.toml and mean it.",
            "copy_too_large",
        )


def _bytes(db: Database, sql: SqlFolder, table: str) -> int:
    """The table's bytes: the server's estimate or the size of its file, which an account without PROCESS can't see.

    The larger one, since the estimate lags: MySQL 9.7 still gave 98,304 bytes 16 s after 130,000 rows had come.
    """
    estimate = facts.bytes_of(db, table)
    statement = sql.statement("monitor/040_files", values={"schema": db.schema, "tables": [table.lower()]})
    try:
        file = db.row(statement.sql, statement.values) or {}
    except ServerError:
        file = {}
    return max(estimate, int(file.get("file_bytes") or 0))


def refuse_edited(db: Database, sql: SqlFolder) -> None:
    """Refuse when an upgrade file that was applied here reads otherwise by now; the message carries the diff."""
    for row in journal.applied_upgrades(db):
        file = sql.files.get(row["file"])
        if file is None or file.body == row["sql_text"]:
            continue
        diff = difflib.unified_diff(
            row["sql_text"].splitlines(), file.body.splitlines(), "applied", "now", lineterm="", n=1
        )
        raise Refused(
            f"{file.path} was applied in run {row['run_id']} and edited since. Nothing was changed\n" + "\n".join(diff),
            "Put the file back as it was, and make the change a new upgrade file.",
            "upgrade_edited",
        )
