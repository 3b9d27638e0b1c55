"""What a file of the SQL folder looks like, and what is refused in one: header, placeholders, one statement.

A file holds one statement under a comment header:

    -- One sentence that says what it does.
    -- kind: read | check | write | destroy
    -- needs: the privileges; obligatory for what writes or destroys
    -- locks: what it locks, whom that stops and for how long; obligatory like `needs`
    -- algorithm: instant | inplace | copy | new               how a DDL changes the table
    -- table: the table that an upgrade changes
    -- done: a query that is true once the upgrade is applied
    -- names: table, backup        identifiers, written {table} in the statement
    -- values: cutoff              values, written :cutoff in the statement, bound by the driver

Placeholders count in optimizer hints (`/*+ … */`), and not in strings, quoted names and other comments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rlops.errors import Usage

KINDS = ("read", "check", "write", "destroy")

# Every name and value that rlops can supply. A file that wants another one is refused when it is loaded.
NAMES = {
    "schema", "table", "backup", "set_aside", "key", "column", "columns", "parent", "parent_key", "parent_columns",
    "on_delete", "on_update", "renames", "tables", "privileges", "copy", "hash", "digest", "condition", "line",
    "texts", "partition", "partitions", "trigger", "definer", "changes", "key_columns", "index", "rows",
    "hold", "when", "on", "shadow", "old", "new_values", "old_values", "time_column", "gone", "replaced",
}  # fmt: skip
VALUES = {
    "names", "schema", "table", "tables", "cutoff", "last_timestamp", "last_id", "limit", "ids", "user", "host", "like",
    "user_id", "product_id", "interaction_type", "reward", "context", "session_id", "since", "until", "parents",
    "connection", "environment", "installation_id", "schema_version", "rows", "password", "backup_id", "state", "os_user",
    "rlops_version", "ticket", "manifest", "progress", "after", "upto", "next_id", "parent", "until_id", "skip", "id", "destination",
    "fact", "value", "months", "first", "last",
}  # fmt: skip

TOKEN = re.compile(
    r"""(?P<skip>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`|--[^\n]*|/\*(?!\+).*?\*/)"""
    r"""|\{(?P<name>\w+)\}|(?<![:\w]):(?P<value>[a-z_]\w*)""",
    re.DOTALL | re.VERBOSE,
)
_FIELDS = ("kind", "needs", "locks", "algorithm", "table", "done", "names", "values")
_HEADER = re.compile(rf"^--\s*({'|'.join(_FIELDS)}):\s*(.*)$")
ALGORITHMS = ("", "new", "instant", "inplace", "copy")


@dataclass(frozen=True)
class Checked:
    """A file's text that was found in order, by its parts; a header line that is absent is empty."""

    title: str
    header: Mapping[str, str]
    names: frozenset[str]
    values: frozenset[str]
    body: str


@cache  # maintain, demo and tests load the folder once for each command
def check(path: Path, text: str) -> Checked:
    """Take a file's text apart. Raises Usage, with file and line, for the first thing that is wrong in it."""
    header = _header(path, text)
    names, values = _listed(header["names"]), _listed(header["values"])
    _check_placeholders(path, text, names, values)
    body = _single_statement(path, text)
    if path.parent.parent.name == "upgrade":
        _check_upgrade(path, header, body)
    return Checked(text.split("\n", 1)[0].lstrip("- ").strip(), header, names, values, body)


def _check_upgrade(path: Path, header: Mapping[str, str], body: str) -> None:
    for name in ("algorithm", "table", "done"):
        if not header[name]:
            raise Usage(f"{path}:1: an upgrade's header has a line `-- {name}:`")
    algorithm, said = header["algorithm"], _bare(body)
    # So the server refuses what it can't do that way, instead of copying the table in silence.
    if algorithm in ("instant", "inplace") and not re.search(rf"\bALGORITHM\s*=\s*{algorithm}\b", said, re.IGNORECASE):
        raise Usage(f"{path}: says `algorithm: {algorithm}`, but its statement lacks ALGORITHM={algorithm.upper()}")
    if algorithm == "new" and not re.match(r"\s*CREATE\s+TABLE\b", said, re.IGNORECASE):
        raise Usage(
            f"{path}: says `algorithm: new`, but its statement changes what is there: say instant, inplace or copy"
        )


def _bare(body: str) -> str:
    """The statement without strings, quoted names and comments."""
    return TOKEN.sub(lambda match: "" if match["skip"] else match[0], body)


def _header(path: Path, text: str) -> dict[str, str]:
    header = dict.fromkeys(_FIELDS, "")
    number = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("--"):
            break
        match = _HEADER.match(line)
        if match:
            header[match[1]] = "" if match[2].strip() == "-" else match[2].strip()
            if match[1] == "kind" and match[2].strip() not in KINDS:
                raise Usage(f"{path}:{number}: the kind {match[2].strip()!r} is none of {', '.join(KINDS)}")
    if header["algorithm"] not in ALGORITHMS:
        raise Usage(f"{path}: the algorithm {header['algorithm']!r} is none of {', '.join(ALGORITHMS[1:])}")
    if not header["kind"]:
        raise Usage(f"{path}:{number or 1}: the header has no line `-- kind: {' | '.join(KINDS)}`")
    for name in ("needs", "locks"):
        if header["kind"] in ("write", "destroy") and not header[name]:
            raise Usage(f"{path}:{number}: a statement that writes says in its header what it {name} (`-- {name}:`)")
    return header


def _listed(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def _check_placeholders(path: Path, text: str, names: frozenset[str], values: frozenset[str]) -> None:
    used: dict[str, set[str]] = {"name": set(), "value": set()}
    for match in TOKEN.finditer(text):
        for sort, declared, known in (("name", names, NAMES), ("value", values, VALUES)):
            word = match[sort]
            if word is None:
                continue
            used[sort].add(word)
            line = text.count("\n", 0, match.start()) + 1
            if word not in known:
                raise Usage(f"{path}:{line}: rlops knows no {sort} {word!r}")
            if word not in declared:
                raise Usage(f"{path}:{line}: the {sort} {word!r} is not declared in the header (`-- {sort}s:`)")
    for sort, declared in (("name", names), ("value", values)):
        unused = sorted(declared - used[sort])
        if unused:
            line = next(n for n, t in enumerate(text.splitlines(), 1) if t.startswith(f"-- {sort}s:"))
            raise Usage(f"{path}:{line}: the {sort} {unused[0]!r} is declared and not used")


def _single_statement(path: Path, text: str) -> str:
    lines = text.splitlines()
    start = next((n for n, line in enumerate(lines) if line.strip() and not line.startswith("--")), len(lines))
    body = "\n".join(lines[start:])
    bare = _bare(body).strip().removesuffix(";")
    statements = _split(body) if ";" in bare else [body]
    if len(statements) != 1 or not bare.strip():
        count = len(statements) if bare.strip() else 0
        raise Usage(f"{path}:{start + 1}: holds {count} statements; a file holds exactly one")
    return str(statements[0]).rstrip().rstrip(";").rstrip()


def _split(body: str) -> list[str]:
    import sqlparse  # only a body with a semicolon in it needs it: it takes a hundred times longer, and its import too

    return [statement for statement in sqlparse.split(body) if statement.strip(" ;\n")]
