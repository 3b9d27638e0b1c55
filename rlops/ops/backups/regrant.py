"""Gives back what accounts held on a table when its backup was made, and have lost since."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rlops import privileges
from rlops.db import Database
from rlops.holdings import GRANT_OPTION
from rlops.ops.backups import describe
from rlops.ops.backups.found import Backup
from rlops.plan import Step
from rlops.sqlfiles import Keywords, SqlFolder, quote

_GRANTEE = re.compile(r"'(?P<user>(?:[^']|'')*)'@'(?P<host>[^']*)'")


def missing(db: Database, sql: SqlFolder, backup: Backup) -> Iterator[tuple[str, str, list[str]]]:
    """Table, account and privileges of each grant that the manifest has and that is gone."""
    for table in backup.tables:
        had = backup.manifest.get(table, {}).get("grants", ())
        now = {_pair(each) for each in describe.grants(db, sql, table)} if had else set()
        lost: dict[str, list[str]] = {}
        for each in had:
            if _pair(each) not in now:
                lost.setdefault(each["grantee"], []).append(each["privilege"])
        yield from ((table, grantee, words) for grantee, words in lost.items())


def _pair(grant: Mapping[str, Any]) -> tuple[str, str]:
    return str(grant["grantee"]), str(grant["privilege"])


def steps(db: Database, sql: SqlFolder, backup: Backup) -> list[Step]:
    """The grants that this account may give; what it may not give is in the notes."""
    planned = []
    for table, grantee, words in missing(db, sql, backup):
        match = _GRANTEE.fullmatch(grantee)
        if match and _may(db, table, words) and _there(db, match["user"], match["host"]):
            names = {"privileges": Keywords(tuple(words)), "table": table}
            values = {"user": match["user"].replace("''", "'"), "host": match["host"]}
            planned.append(
                Step(
                    f"give {grantee} its privileges on {table} again", sql.statement("restore/090_grant", names, values)
                )
            )
    return planned


def notes(db: Database, sql: SqlFolder, backup: Backup) -> list[str]:
    """The statements for what this account may not give, or whose account is gone."""
    found = []
    for table, grantee, words in missing(db, sql, backup):
        match = _GRANTEE.fullmatch(grantee)
        if not (match and _may(db, table, words) and _there(db, match["user"], match["host"])):
            found.append(
                f"{grantee} held {', '.join(words)} on {table} and doesn't any more:"
                f" GRANT {', '.join(words)} ON {quote(db.schema)}.{quote(table)} TO {grantee};"
            )
    return found


def _may(db: Database, table: str, words: list[str]) -> bool:
    held = privileges.own(db)
    return all(held.has(word, db.schema, table) for word in (*words, GRANT_OPTION))


def _there(db: Database, user: str, host: str) -> bool:
    grantee = f"'{user}'@'{host}'"
    return bool(db.value("SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = %s", (grantee,)))
