"""The SQL folder: finds the files, checks them when they are read, and turns one into a statement.

What a file holds is told, and checked, in sqlcheck.py. `010_name.mariadb.sql` beside `010_name.sql` replaces it on
that family of engines.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rlops.errors import Usage
from rlops.policy import Policy
from rlops.policy import load as load_policy
from rlops.sqlcheck import TOKEN, check

FAMILIES = ("mysql", "mariadb", "oceanbase", "tidb")


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

    def held_to(self, *reviewed: str) -> Statement:
        """The same, with an identity of these too: of what a volatile name stands for, and leaves unsaid.

        A backup's name has a time in it and stays out of a plan's hash; which tables and keys go must not.
        """
        return replace(self, identity=_hash("\0".join((self.identity, *reviewed))))


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
        identity = self._fill(_steady(names, volatile)) + repr({k: v for k, v in used.items() if k not in volatile})
        return Statement(
            self.key,
            self.kind,
            self._fill(names),
            used or None,
            self.needs,
            self.locks,
            self.algorithm,
            _hash(identity),
        )

    def outline(self, names: Mapping[str, Any], values: Mapping[str, str], volatile: Sequence[str] = ()) -> Statement:
        """The statement of a long step as people read it: what differs from chunk to chunk stays `:name`."""

        def fill(names: Mapping[str, Any]) -> str:
            def put(match: re.Match[str]) -> str:
                if match["value"] is not None:
                    return values.get(match["value"], match[0])
                return match["skip"] if match["skip"] is not None else identifiers(names[match["name"]])

            return TOKEN.sub(put, self.body)

        identity = _hash(fill(_steady(names, volatile)))
        return Statement(self.key, self.kind, fill(names), None, self.needs, self.locks, self.algorithm, identity)

    def _fill(self, names: Mapping[str, Any]) -> str:
        formatted = bool(self.values)

        def replace(match: re.Match[str]) -> str:
            if match["skip"] is not None:
                return match["skip"].replace("%", "%%") if formatted else match["skip"]
            if match["value"] is not None:
                return f"%({match['value']})s"
            text = identifiers(names[match["name"]])
            return text.replace("%", "%%") if formatted else text

        return TOKEN.sub(replace, self.body)


def _steady(names: Mapping[str, Any], volatile: Sequence[str]) -> Mapping[str, Any]:
    return {name: f"<{name}>" if name in volatile else text for name, text in names.items()}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


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
    """The files of a folder for one family of engines."""

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


class _Files(Mapping[str, SqlFile]):
    """The files of a folder by their keys, each read and checked when it is first wanted: a command needs a few of them.

    `known` are those that were read before.
    """

    def __init__(self, root: Path, paths: Mapping[str, Path], known: Mapping[Path, SqlFile]) -> None:
        self._root, self._paths, self._known = root, paths, dict(known)

    def __getitem__(self, key: str) -> SqlFile:
        path = self._paths[key]
        if path not in self._known:
            self._known[path] = read_file(path, self._root)
        return self._known[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def load(root: Path | None, family: str) -> SqlFolder:
    """The files of the folder for this family of engines.

    Another folder than the one that comes with rlops is read and checked whole, for all engines. Raises Usage with file
    and line: an unreadable file, a missing header, an unknown kind, a name or value that is unknown, undeclared or unused,
    not exactly one statement, or a file of the original folder that is missing.
    """
    own = default_root()
    root = root or own
    if not root.is_dir():
        raise Usage(f"{root}: is not a folder", "Name a folder shaped like sql/ with --sql-dir.")
    paths, known = sorted(root.rglob("*.sql")), dict[Path, SqlFile]()
    if root.resolve() != own.resolve():
        known = {path: read_file(path, root) for path in paths}
        there = {path.relative_to(root) for path in paths}
        for path in sorted(own.rglob("*.sql")):
            relative = path.relative_to(own)
            if relative not in there and path.name.count(".") == 1:
                raise Usage(f"{root}: {relative.as_posix()} is missing", f"Copy it from {own}, then change it.")
    chosen: dict[str, Path] = {}
    for path in paths:
        key, of = _key(path, root)
        if of == family or (of is None and key not in chosen):
            chosen[key] = path
    return SqlFolder(root, family, load_policy(root / "policy.toml"), _Files(root, chosen, known))


def _key(path: Path, root: Path) -> tuple[str, str | None]:
    """A file's key, and the family of engines that its name says it is for; None for all."""
    *folders, name = path.parts[len(root.parts) :]
    stem, dot, family = name.removesuffix(".sql").partition(".")
    return "/".join((*folders, stem)), family if dot else None


def read_file(path: Path, root: Path) -> SqlFile:
    """Read and check one file; raises Usage with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"{path}: can't be read: {error}") from error
    key, family = _key(path, root)
    if family is not None and family not in FAMILIES:
        raise Usage(f"{path}: {family!r} is not a family of engines ({', '.join(FAMILIES)})")
    checked = check(path, text)
    header = checked.header
    return SqlFile(
        path, key, checked.title, header["kind"], header["needs"], header["locks"], header["algorithm"], header["table"],
        header["done"], checked.names, checked.values, checked.body,
    )  # fmt: skip
