"""The answer of settings: one server, one schema, and where each setting came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 3306
SSL_MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
ENVIRONMENTS = ("development", "production")


class Secret:
    """A password that no log, message, repr or traceback shows; `reveal` is for the driver alone."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The password. Bytes that aren't UTF-8 are surrogate escapes in it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server by host and port or by socket, never both, and how to log in there.

    `replica` are the replicas that somebody named: none of them when he said so, None when nobody said anything.
    """

    host: str | None
    port: int | None
    socket: Path | None
    user: str
    password: Secret | None = None
    database: str | None = None
    ssl_mode: str = "PREFERRED"
    ssl_ca: Path | None = None
    ssl_cert: Path | None = None
    ssl_key: Path | None = None
    profile: str | None = None
    environment: str | None = None
    sql_dir: Path | None = None
    archive_to: str | None = None
    replica: tuple[Target, ...] | None = None
    sources: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where the server is: `host:port`, or the socket's path."""
        if self.socket is not None:
            return str(self.socket)
        host = f"[{self.host}]" if ":" in (self.host or "") else self.host
        return f"{host}:{self.port}"

    def describe(self) -> dict[str, str | None]:
        """What JSON output says of the target; the connection adds engine and version."""
        return {"host": self.place, "database": self.database, "profile": self.profile}
