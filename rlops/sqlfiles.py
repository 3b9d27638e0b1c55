"""The SQL folder: finds the files, checks them when they are loaded, and turns one into a statement.

A file holds one statement under a comment header:

    -- One sentence that says what it does.
    -- kind: read | check | write | destroy
    -- needs: the privileges
    -- locks: what it locks, for a statement that writes
    -- algorithm: instant | inplace | copy | new               how a DDL changes the table
    -- table: the table that an upgrade changes
    -- done: a query that is true once the upgrade is applied
    -- names: table, backup        identifiers, written {table} in the statement
    -- values: cutoff              values, written :cutoff in the statement, bound by the driver

`010_name.mariadb.sql` beside `010_name.sql` replaces it on that family of engines.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlparse

from rlops.errors import Usage
from rlops.policy import Policy
from rlops.policy import load as load_policy

FAMILIES = ("mysql", "mariadb", "oceanbase", "tidb")
KINDS = ("read", "check", "write", "destroy")

# Every name and value that rlops can supply. A file that wants another one is refused when it is loaded.
NAMES = {
    "schema", "table", "backup", "set_aside", "key", "column", "columns", "parent", "parent_key", "parent_columns",
    "on_delete", "on_update", "renames", "tables", "privileges", "trigger", "definer", "changes", "key_columns",
    "partition", "partitions", "hold", "shadow", "old", "new_values", "old_values", "time_column", "hash",
}  # fmt: skip
VALUES = {
    "names", "schema", "table", "tables", "cutoff", "last_timestamp", "last_id", "limit", "ids", "user", "host", "like",
    "user_id", "product_id", "interaction_type", "reward", "context", "session_id", "since", "until", "parents",
    "connection", "environment", "installation_id", "schema_version", "rows", "password", "fact", "value", "first", "last", "parent",
}  # fmt: skip

_TOKEN = re.compile(
    r"""(?P<skip>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`|--[^\n]*|/\*.*?\*/)"""
    r"""|\{(?P<name>\w+)\}|(?<![:\w]):(?P<value>[a-z_]\w*)""",
    re.DOTALL | re.VERBOSE,
)
_FIELDS = ("kind", "needs", "locks", "algorithm", "table", "done", "names", "values")
_HEADER = re.compile(rf"^--\s*({'|'.join(_FIELDS)}):\s*(.*)$")
ALGORITHMS = ("", "new", "instant", "inplace", "copy")


def quote(identifier: str) -> str:
    """Quote an identifier for every supported engine: backticks around it, those in it doubled."""
    return "`" + identifier.replace("`", "``") + "`"


@dataclass(frozen=True)
class Statement:
    """One statement, ready for the driver: identifiers in place, values beside it (None: no %-formatting)."""

    file: str
    kind: str
    sql: str
    values: Mapping[str, Any] | None = None
    needs: str = ""
    locks: str = ""
    algorithm: str = ""
    identity: str = field(default="", compare=False)


@dataclass(frozen=True)
class SqlFile:
    """One checked file of the folder."""

    path: Path
    key: str
    title: str
    kind: str
    needs: str
    locks: str
    algorithm: str
    table: str
    done: str
    names: frozenset[str]
    values: frozenset[str]
    body: str

    def statement(
        self,
        names: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
        volatile: Sequence[str] = (),
    ) -> Statement:
        """Fill in the identifiers and attach the values.

        `volatile` names carry a time (a backup's name) and stay out of the statement's identity, which a plan's
        hash is made of. Raises Usage when the file wants something that this operation does not supply.
        """
        names, values = names or {}, values or {}
        for given, wanted, sort in ((names, self.names, "name"), (values, self.values, "value")):
            missing = sorted(wanted - set(given))
            if missing:
                raise Usage(f"{self.path}: {self.key} uses the {sort} {missing[0]!r}, which is not supplied here")
        used = {value: values[value] for value in sorted(self.values)}
        steady = {name: f"<{name}>" if name in volatile else text for name, text in names.items()}
        identity = self._fill(steady) + repr({k: v for k, v in used.items() if k not in volatile})
        return Statement(
            self.key, self.kind, self._fill(names), used or None, self.needs, self.locks, self.algorithm,
            hashlib.sha256(identity.encode()).hexdigest(),
        )  # fmt: skip

    def outline(self, names: Mapping[str, Any], values: Mapping[str, str]) -> Statement:
        """The statement of a long step as people read it: what differs from chunk to chunk stays `:name`."""

        def replace(match: re.Match[str]) -> str:
            if match["value"] is not None:
                return values.get(match["value"], match[0])
            return match["skip"] if match["skip"] is not None else identifiers(names[match["name"]])

        text = _TOKEN.sub(replace, self.body)
        identity = hashlib.sha256((self.body + repr(sorted(values.items()))).encode()).hexdigest()
        return Statement(self.key, self.kind, text, None, self.needs, self.locks, self.algorithm, identity)

    def _fill(self, names: Mapping[str, Any]) -> str:
        formatted = bool(self.values)

        def replace(match: re.Match[str]) -> str:
            if match["skip"] is not None:
                return match["skip"].replace("%", "%%") if formatted else match["skip"]
            if match["value"] is not None:
                return f"%({match['value']})s"
            text = identifiers(names[match["name"]])
            return text.replace("%", "%%") if formatted else text

        return _TOKEN.sub(replace, self.body)


@dataclass(frozen=True)
class Keywords:
    """Words of the language (privileges, say) that go into a statement unquoted; checked by whoever reads them."""

    words: tuple[str, ...]


def identifiers(value: str | Keywords | Sequence[str | tuple[str, str]]) -> str:
    """Render what stands for a {name}: an identifier, a list of them, or a list of `old TO new` pairs."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Keywords):
        return ", ".join(value.words)
    return ", ".join(quote(v) if isinstance(v, str) else f"{quote(v[0])} TO {quote(v[1])}" for v in value)


@dataclass(frozen=True)
class SqlFolder:
    """All files of the folder, checked, for one family of engines."""

    root: Path
    family: str
    policy: Policy
    files: Mapping[str, SqlFile]

    def file(self, key: str) -> SqlFile:
        """The file of that key, such as `create/010_user_product_interactions`. Raises Usage if there is none."""
        try:
            return self.files[key]
        except KeyError:
            raise Usage(
                f"{self.root}: {key}.sql is missing", "Use a folder of the same shape as the one that comes with rlops."
            ) from None

    def statement(
        self,
        key: str,
        names: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
        volatile: Sequence[str] = (),
    ) -> Statement:
        """Shorthand for `file(key).statement(…)`."""
        return self.file(key).statement(names, values, volatile)

    def group(self, folder: str) -> list[SqlFile]:
        """The files of one sub-folder, in the order of their numbers."""
        return [self.files[key] for key in sorted(self.files) if key.startswith(folder + "/")]


def default_root() -> Path:
    """The folder that came with rlops: inside the installed package, or the checkout's own."""
    packaged = Path(str(importlib.resources.files("rlops"))) / "sql"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / "sql"


def load(root: Path | None, family: str) -> SqlFolder:
    """Read and check every file of the folder, for all engines, and keep those of `family`.

    Raises Usage with file and line: an unreadable file, a missing header, an unknown kind, a name or value that is
    unknown, undeclared or unused, not exactly one statement, or a file of the original folder that is missing.
    """
    own = default_root()
    root = root or own
    if not root.is_dir():
        raise Usage(f"{root}: is not a folder", "Name a folder shaped like sql/ with --sql-dir.")
    found = {path.relative_to(root).as_posix(): read_file(path, root) for path in sorted(root.rglob("*.sql"))}
    if root.resolve() != own.resolve():
        for path in sorted(own.rglob("*.sql")):
            relative = path.relative_to(own).as_posix()
            if relative not in found and path.name.count(".") == 1:
                raise Usage(f"{root}: {relative} is missing", f"Copy it from {own}, then change it.")
    chosen: dict[str, SqlFile] = {}
    for relative, file in found.items():
        suffix = relative.split("/")[-1].split(".")[1:-1]
        if suffix == [family] or (not suffix and file.key not in chosen):
            chosen[file.key] = file
    return SqlFolder(root, family, load_policy(root / "policy.toml"), chosen)


def read_file(path: Path, root: Path) -> SqlFile:
    """Read and check one file; raises Usage with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"{path}: can't be read: {error}") from error
    stem, *suffix = path.name.removesuffix(".sql").split(".")
    if len(suffix) > 1 or (suffix and suffix[0] not in FAMILIES):
        raise Usage(f"{path}: {'.'.join(suffix)!r} is not a family of engines ({', '.join(FAMILIES)})")
    header = _header(path, text)
    names, values = _listed(header["names"]), _listed(header["values"])
    _check_placeholders(path, text, names, values)
    body = _single_statement(path, text)
    if path.parent.parent.name == "upgrade":
        _check_upgrade(path, header, body)
    title = text.split("\n", 1)[0].lstrip("- ").strip()
    key = (path.parent.relative_to(root) / stem).as_posix()
    return SqlFile(
        path, key, title, header["kind"], header["needs"], header["locks"], header["algorithm"], header["table"],
        header["done"], names, values, body,
    )  # fmt: skip


def _check_upgrade(path: Path, header: Mapping[str, str], body: str) -> None:
    for name in ("algorithm", "table", "done"):
        if not header[name]:
            raise Usage(f"{path}:1: an upgrade's header has a line `-- {name}:`")
    algorithm = header["algorithm"]
    # So the server refuses what it can't do that way, instead of copying the table in silence.
    if algorithm in ("instant", "inplace") and not re.search(rf"\bALGORITHM\s*=\s*{algorithm}\b", body, re.IGNORECASE):
        raise Usage(f"{path}: says `algorithm: {algorithm}`, but its statement lacks ALGORITHM={algorithm.upper()}")


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
    return header


def _listed(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())


def _check_placeholders(path: Path, text: str, names: frozenset[str], values: frozenset[str]) -> None:
    used: dict[str, set[str]] = {"name": set(), "value": set()}
    for match in _TOKEN.finditer(text):
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
    bare = _TOKEN.sub(lambda match: "" if match["skip"] else match[0], body).strip().removesuffix(";")
    # Only a body with a semicolon in it needs a real splitter, which takes a hundred times longer.
    statements = [s for s in sqlparse.split(body) if s.strip(" ;\n")] if ";" in bare else [body]
    if len(statements) != 1 or not bare.strip():
        count = len(statements) if bare.strip() else 0
        raise Usage(f"{path}:{start + 1}: holds {count} statements; a file holds exactly one")
    return str(statements[0]).rstrip().rstrip(";").rstrip()
