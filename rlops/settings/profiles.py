"""Profiles: `rlops.toml` in the working folder or above it, or where $RLOPS_CONFIG says.

default_profile = "local"

[profiles.shop]
url = "mysql://rlops@db.example.com/shop"
password_file = "~/.secrets/shop"
environment = "production"
"""

from __future__ import annotations

import difflib
import stat
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rlops.errors import Usage

CONFIG = "rlops.toml"
_TOP_KEYS = ("default_profile", "profiles")
_KEYS = (
    "url", "host", "port", "socket", "user", "database", "password_file", "password_env", "ask_password",
    "defaults_file", "ssl_mode", "ssl_ca", "ssl_cert", "ssl_key", "sql_dir", "environment", "replica",
    "archive_to",
)  # fmt: skip
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "port": ((int, str), "a number"),
    "ask_password": ((bool,), "true or false"),
    "replica": ((str, list), "a URL, or a list of them"),
}


@dataclass(frozen=True)
class Config:
    """The profiles of one file; `path` is where it would be if there is none."""

    path: Path
    profiles: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    default: str | None = None

    def profile(self, name: str) -> Mapping[str, str]:
        """The settings of the profile. Raises `Usage` naming those that exist."""
        if name not in self.profiles:
            known = (
                f"there are: {', '.join(self.profiles)}" if self.profiles else f"write a table [profiles.{name}] there"
            )
            raise Usage(f"there is no profile {name!r} in {self.path}", known, "unknown_profile")
        return self.profiles[name]


def load_config(environ: Mapping[str, str], cwd: Path, home: Path) -> Config:
    """Find and read `rlops.toml`.

    Raises `Usage`: the file named by $RLOPS_CONFIG can't be read, everybody may write the file, it isn't TOML, or it
    has a key that isn't known.
    """
    path = _find(environ, cwd, home)
    if path is None:
        return Config(cwd / CONFIG)
    try:
        if path.stat().st_mode & stat.S_IWOTH:
            raise Usage(f"{path} can be written by everybody", f"chmod o-w {path}", "config_file")
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Usage(f"{path} can't be read: {error.strerror}", code="config_file") from error
    except ValueError as error:
        raise Usage(f"{path} isn't valid TOML: {error}", code="config_file") from error
    return _config(path, data)


def _find(environ: Mapping[str, str], cwd: Path, home: Path) -> Path | None:
    if named := environ.get("RLOPS_CONFIG"):
        return absolute(named, cwd, home)
    return next((folder / CONFIG for folder in (cwd, *cwd.parents) if (folder / CONFIG).is_file()), None)


def absolute(text: str, base: Path, home: Path) -> Path:
    """The path that a setting names: `~` is the home folder, and a relative one starts in `base`."""
    return home / text[2:] if text.startswith("~/") else base / text


def _config(path: Path, data: Mapping[str, object]) -> Config:
    _known(path, "", data, _TOP_KEYS)
    default, tables = data.get("default_profile"), data.get("profiles", {})
    if not isinstance(default, str | None):
        raise Usage(f"{path}: default_profile has to be the name of a profile", code="config_file")
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise Usage(f"{path}: profiles are tables, [profiles.NAME]", code="config_file")
    profiles = {name: _profile(path, name, table) for name, table in tables.items()}
    return Config(path, profiles, default)


def _profile(path: Path, name: str, table: Mapping[str, object]) -> dict[str, str]:
    where = f" [profiles.{name}]"
    _known(path, where, table, _KEYS)
    for key, value in table.items():
        kinds, words = _KINDS.get(key, ((str,), "text in quotes"))
        if not isinstance(value, kinds):
            raise Usage(f"{path}{where}: {key} has to be {words}", code="config_file")
    return {key: " ".join(map(str, value)) if isinstance(value, list) else str(value) for key, value in table.items()}


def _known(path: Path, where: str, found: Iterable[str], known: tuple[str, ...]) -> None:
    for key in found:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            raise Usage(f"{path}{where}: unknown key {key!r}", hint, "unknown_key")
