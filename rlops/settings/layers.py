"""The sources of settings, each as one layer: setting → text and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rlops.errors import Usage
from rlops.optionfiles import Option
from rlops.settings.profiles import absolute
from rlops.settings.url import parse_url

OPTIONS = (
    "url", "host", "port", "socket", "user", "database", "password_file", "ask_password", "defaults_file",
    "ssl_mode", "ssl_ca", "ssl_cert", "ssl_key", "profile", "sql_dir", "environment", "replica",
    "archive_to",
)  # fmt: skip
PLACE = ("url", "host", "port", "socket", "defaults_file")
_PATHS = ("socket", "password_file", "defaults_file", "ssl_ca", "ssl_cert", "ssl_key", "sql_dir", "archive_to")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


@dataclass(frozen=True)
class Setting:
    """A setting's text, which may be a password, and its source in words."""

    text: str = field(repr=False)
    source: str


Layer = Mapping[str, Setting]


@dataclass(frozen=True)
class Folders:
    """Where relative paths start, and what `~` is."""

    base: Path
    home: Path


def option_layer(options: Mapping[str, str | None], folders: Folders) -> Layer:
    """The command line. Raises `Usage` for an empty value, and for a password in a URL: `ps` shows it to everybody."""
    given = {key: text for key, text in options.items() if text is not None}
    for key, text in given.items():
        if not text and key != "ask_password":
            raise Usage(f"{_flag(key)} is empty", code="empty_option")
    layer = _layer(given, lambda key: f"option {_flag(key)}", folders)
    if "password" in layer and layer["password"].text:
        hint = "put the URL into the variable RLOPS_URL, or use --password-file or --ask-password"
        raise Usage(
            "--url has a password in it, which every user of this machine can see", hint, "password_on_command_line"
        )
    return layer


def variable_layer(environ: Mapping[str, str], folders: Folders) -> Layer:
    """The RLOPS_* variables; an empty one counts as absent."""
    given = {key: environ[_variable(key)] for key in (*OPTIONS, "password") if environ.get(_variable(key))}
    return _layer(given, lambda key: f"variable {_variable(key)}", folders)


def profile_layer(name: str, path: Path, settings: Mapping[str, str], home: Path) -> Layer:
    """A profile of `rlops.toml`; relative paths start in the file's folder."""
    given = {key: text for key, text in settings.items() if text}
    return _layer(given, lambda _: f"profile {name} in {path}", Folders(path.parent, home))


def sandbox_layer(settings: Mapping[str, str], folders: Folders) -> Layer:
    """The sandbox of the working folder."""
    return _layer(settings, lambda _: "sandbox .rlops-sandbox.json", folders)


def mysql_variable_layer(environ: Mapping[str, str]) -> Layer:
    """The variables that the MySQL clients read (manual, "Environment Variables")."""
    names = {"host": "MYSQL_HOST", "port": "MYSQL_TCP_PORT", "socket": "MYSQL_UNIX_PORT", "password": "MYSQL_PWD"}
    return {key: Setting(environ[name], f"variable {name}") for key, name in names.items() if environ.get(name)}


def option_file_layer(options: Mapping[str, Option], folders: Folders) -> Layer:
    """The options of MySQL and MariaDB clients that rlops understands; what else stands there is for other tools.

    A password without a value asks, as in the clients. `protocol` decides between host and socket.
    """
    names = ("host", "port", "socket", "user", "password", "database", "ssl_ca", "ssl_cert", "ssl_key")
    layer = {
        key: Setting(option.value, option.source) for key in names if (option := options.get(key)) and option.value
    }
    if password := options.get("password"):
        key = "ask_password" if password.value is None else "password"
        layer[key] = Setting(password.value or ("" if key == "password" else "1"), password.source)
    if mode := _ssl_mode(options):
        layer["ssl_mode"] = mode
    protocol = options.get("protocol", Option(None, "")).value or ""
    useless = {"tcp": ("socket",), "socket": ("host", "port")}.get(protocol.lower(), ())
    return {key: _absolute(key, setting, folders) for key, setting in layer.items() if key not in useless}


def _ssl_mode(options: Mapping[str, Option]) -> Setting | None:
    """MySQL's ssl-mode; else what MariaDB's clients and MySQL 5.7 have instead, the strictest of them."""
    meanings = (
        ("ssl_verify_server_cert", True, "VERIFY_IDENTITY"),
        ("ssl", False, "DISABLED"),
        ("ssl", True, "REQUIRED"),
    )
    if (said := options.get("ssl_mode")) and said.value:
        return Setting(said.value, said.source)
    for key, wanted, mode in meanings:
        option = options.get(key)
        if option and ((option.value or "1").lower() not in _NO) is wanted:
            return Setting(mode, option.source)
    return None


def _layer(given: Mapping[str, str], source: Callable[[str], str], folders: Folders) -> Layer:
    """A URL gives several settings at once; what the same source says beside it is more particular and wins."""
    layer = {}
    if url := given.get("url"):
        layer = {key: Setting(text, source("url")) for key, text in parse_url(url, source("url")).items()}
    layer |= {key: Setting(text, source(key)) for key, text in given.items()}
    if (ask := layer.get("ask_password")) and not _is_yes(ask):
        del layer["ask_password"]
    return {key: _absolute(key, setting, folders) for key, setting in layer.items()}


def _absolute(key: str, setting: Setting, folders: Folders) -> Setting:
    if key not in _PATHS or "://" in setting.text or setting.text.lower().startswith("s3:/"):
        return setting
    return Setting(str(absolute(setting.text, folders.base, folders.home)), setting.source)


def _is_yes(setting: Setting) -> bool:
    if setting.text.lower() not in _YES + _NO:
        raise Usage(f"{setting.source}: {setting.text!r} is neither yes nor no", code="bad_value")
    return setting.text.lower() in _YES


def plain(setting: Setting) -> str:
    """The text, if it can go into a name or a path. Raises `Usage` for control characters and broken UTF-8."""
    if any(character < " " or "\ud800" <= character <= "\udfff" for character in setting.text):
        raise Usage(f"{setting.source}: {setting.text!r} has characters that no name can have", code="bad_value")
    return setting.text


def _flag(key: str) -> str:
    return f"--{key.replace('_', '-')}"


def _variable(key: str) -> str:
    return f"RLOPS_{key.upper()}"
