"""The replicas that long work keeps an eye on, named by URL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rlops.errors import Usage
from rlops.settings.layers import Setting
from rlops.settings.target import DEFAULT_PORT, Secret, Target
from rlops.settings.url import parse_url

NONE = "none"


def replicas(named: Setting, source: Target) -> tuple[Target, ...]:
    """The servers that a setting names, URLs with spaces between them; `none` is none of them.

    What a URL leaves out (account, password, TLS) is as on the source itself. Raises Usage for what can't be
    understood, and for a password on the command line.
    """
    words = named.text.split()
    if NONE in words:
        if len(words) > 1:
            raise Usage(f"{named.source}: {NONE!r} stands alone, beside no URL", code="bad_value")
        return ()
    return tuple(_target(word, named.source, source) for word in words)


def _target(url: str, where: str, source: Target) -> Target:
    found = parse_url(url, where)
    if "password" in found and where.startswith("option "):
        raise Usage(
            f"{where} has a password in it, which every user of this machine can see",
            "put the URL into the variable RLOPS_REPLICA or into a profile; without one the source's password is used",
            "password_on_command_line",
        )
    if "host" not in found and "socket" not in found:
        raise Usage(f"{where}: the URL names no host", "mysql://replica.example.com:3306", "bad_url")
    password = Secret(found["password"]) if "password" in found else source.password
    port = None if "socket" in found else int(found.get("port", DEFAULT_PORT))
    return replace(
        source,
        host=None if "socket" in found else found["host"],
        port=port,
        socket=Path(found["socket"]) if "socket" in found else None,
        user=found.get("user", source.user),
        password=password,
        database=None,
        ssl_mode=found.get("ssl_mode", source.ssl_mode),
    )
