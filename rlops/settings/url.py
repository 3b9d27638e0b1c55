"""A URL as one source of several settings: mysql://user:password@host:port/database?ssl-mode=REQUIRED."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from rlops.errors import Usage
from rlops.settings.target import DEFAULT_PORT

_SCHEMES = ("mysql", "mariadb")
_QUERY = ("socket", "ssl_mode", "ssl_ca", "ssl_cert", "ssl_key")


def parse_url(url: str, source: str) -> dict[str, str]:
    """The settings in a URL, percent-decoded; a host other than localhost without a port means port 3306.

    Raises `Usage`. No message repeats a part of the URL: where it is malformed, any part may be the password.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise _wrong(source, "its host or port can't be read") from error
    if parts.scheme not in _SCHEMES or not url[len(parts.scheme) :].startswith("://"):
        raise _wrong(source, "it has to start with mysql:// or mariadb://")
    if parts.fragment or "#" in url or "@" in parts.path + parts.query:
        raise _wrong(source, "it has a special character that isn't encoded")
    if "/" in parts.path[1:]:
        raise _wrong(source, "after the host it can have one name only, the database's")
    found = {"host": host, "user": parts.username, "password": parts.password, "database": parts.path[1:]}
    settings = {
        key: _decoded(text, source) for key, text in found.items() if text or (key == "password" and text == "")
    }
    if port is not None:
        settings["port"] = str(port)
    elif settings.get("host", "localhost") != "localhost":
        settings["port"] = str(DEFAULT_PORT)
    return settings | _query(parts.query, source)


def _query(query: str, source: str) -> dict[str, str]:
    settings = {}
    for pair in filter(None, query.split("&")):
        name, _, text = pair.partition("=")
        key = name.replace("-", "_")
        if key not in _QUERY:
            known = ", ".join(key.replace("_", "-") for key in _QUERY)
            raise _wrong(source, f"after the ? only these are known: {known}")
        settings[key] = _decoded(text, source)
    return settings


def _decoded(text: str, source: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise _wrong(source, "what it percent-encodes isn't UTF-8") from error


def _wrong(source: str, why: str) -> Usage:
    hint = "mysql://user@host:3306/database; in a name or a password @ is %40, / is %2F, # is %23, ? is %3F, % is %25"
    return Usage(f"{source}: the URL can't be understood: {why}", hint, "bad_url")
