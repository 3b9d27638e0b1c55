"""MySQL option files, read as the `mysql` and `mariadb` clients read them.

The rules are those of the MySQL manual, "Using Option Files", and of `mysys/my_default.cc` where the manual is silent.
Standard parsers fail on what people really have there: repeated keys, keys alone, includes, `#` in a password.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rlops.errors import Usage

SYSTEM_FILES = (Path("/etc/my.cnf"), Path("/etc/mysql/my.cnf"))
GROUPS = ("client", "client-server", "client-mariadb", "mysql", "mariadb-client", "rlops")

_MAX_DEPTH = 10
_BLANKS = " \t\r\n\v\f"
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", "\\": "\\", '"': '"', "'": "'"}
_SWITCHES = {
    f"{prefix}_{name}": (name, value)
    for prefix, value in (("skip", "0"), ("disable", "0"), ("enable", "1"))
    for name in ("ssl", "ssl_verify_server_cert")
}


@dataclass(frozen=True)
class Option:
    """One option of a group that rlops reads; `value` is None for a key that stands alone."""

    value: str | None = field(repr=False)
    source: str


@dataclass
class Options:
    """What the files say, keys with underscores, the last of several winning."""

    values: dict[str, Option] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def standard_files(environ: Mapping[str, str], home: Path) -> list[Path]:
    """The files that clients read, weakest first: /etc, then the server's folder, then the user's own."""
    folders = [Path(environ[name]) for name in ("MYSQL_HOME", "MARIADB_HOME") if environ.get(name)]
    return [*SYSTEM_FILES, *(folder / "my.cnf" for folder in folders), home / ".my.cnf"]


def group_suffix(environ: Mapping[str, str]) -> str:
    """The ending of the further groups that are read, as `_staging` in `[client_staging]`."""
    return environ.get("MYSQL_GROUP_SUFFIX") or environ.get("MARIADB_GROUP_SUFFIX") or ""


def read_options(files: Iterable[Path], suffix: str = "", *, named: bool = False) -> Options:
    """Read the files in order. Those that are `named` by the user have to be there and readable.

    As in MySQL a file that everybody may write is ignored, with a warning; a named one is refused instead, because
    going on without it would reach another server.

    Raises `Usage`: a named file can't be read or is world-writable, a line makes no sense, a file includes itself.
    """
    names = {name for group in GROUPS for name in (group, group + suffix.lower())}
    reader = _Reader(names)
    for path in files:
        reader.read(path, (), named)
    return reader.options


class _Reader:
    def __init__(self, groups: set[str]) -> None:
        self.groups = groups
        self.options = Options()

    def read(self, path: Path, includers: tuple[Path, ...], named: bool = False) -> None:
        if path in includers:
            raise Usage(f"{includers[-1]}: the option file {path} includes itself", code="option_file")
        if len(includers) > _MAX_DEPTH:
            self.options.warnings.append(f"{path} is ignored: included over more than {_MAX_DEPTH} files")
            return
        text = self._text(path, named)
        group = None
        for number, line in enumerate((text or "").split("\n"), 1):
            stripped = line.strip(_BLANKS)
            if not stripped or stripped[0] in "#;":
                continue
            if stripped[0] == "!":
                self._include(stripped, (*includers, path))
            elif stripped[0] == "[":
                group = _group(stripped, path, number)
            elif group is None:
                raise Usage(f"{path} line {number}: an option before the first [group]", code="option_file")
            elif group.lower() in self.groups:
                name, value = _option(stripped)
                self.options.values[name] = Option(value, f"{path} [{group}] line {number}")

    def _text(self, path: Path, named: bool) -> str | None:
        try:
            mode = path.stat().st_mode
            data = b"" if _open_to_all(mode) else path.read_bytes()
        except OSError as error:
            if named:
                raise Usage(f"the option file {path} can't be read: {error.strerror}", code="option_file") from error
            return None
        if _open_to_all(mode):
            if named:
                raise Usage(f"the option file {path} can be written by everybody", f"chmod o-w {path}", "option_file")
            self.options.warnings.append(f"{path} is ignored: everybody may write it")
        # A password need not be UTF-8: its bytes have to come out again as they are.
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")

    def _include(self, line: str, includers: tuple[Path, ...]) -> None:
        directive, _, argument = line.replace("\t", " ").partition(" ")
        target = Path(argument.strip(_BLANKS))
        if directive == "!include":
            self.read(target, includers)
        elif directive == "!includedir":
            try:
                found = sorted(entry for entry in target.iterdir() if entry.suffix == ".cnf")
            except OSError:
                found = []
            for path in found:
                self.read(path, includers)


def _open_to_all(mode: int) -> bool:
    return stat.S_ISREG(mode) and bool(mode & stat.S_IWOTH)


def _group(line: str, path: Path, number: int) -> str:
    name, bracket, _ = line[1:].partition("]")
    if not bracket:
        raise Usage(f"{path} line {number}: a group needs a closing ]", code="option_file")
    return name.strip(_BLANKS)


def _option(line: str) -> tuple[str, str | None]:
    key, equals, value = _without_comment(line).partition("=")
    name = key.strip(_BLANKS).replace("-", "_").removeprefix("loose_")
    if name in _SWITCHES and not equals:
        return _SWITCHES[name]
    return name, _unquoted(value.strip(_BLANKS)) if equals else None


def _without_comment(line: str) -> str:
    quote, escaped = "", False
    for position, character in enumerate(line):
        if character in "'\"" and not escaped:
            quote = character if not quote else "" if quote == character else quote
        if not quote and character == "#":
            return line[:position]
        escaped = bool(quote) and character == "\\" and not escaped
    return line


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and value[0] == value[-1]:
        value = value[1:-1]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), value)
