"""Where the server is, when several sources name hosts, ports and sockets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rlops.errors import Usage
from rlops.settings.layers import Layer, Setting, plain
from rlops.settings.target import DEFAULT_PORT

_ABSENT = Setting("", "default")


@dataclass(frozen=True)
class Place:
    """Host and port, or a socket."""

    host: str | None
    port: int | None
    socket: Path | None
    sources: dict[str, str]


def find_place(layers: Sequence[Layer], strict: int) -> Place:
    """Choose between host and socket as the MySQL clients do, with the strength of the sources in mind.

    Any host but `localhost` means TCP. With `localhost`, or no host, a socket is used if there is one, unless a
    stronger source names a port. A socket from a stronger source than the host's wins. Without anything it is
    127.0.0.1:3306. In the first `strict` layers, which are rlops' own, a remote host beside a socket is an error.

    Raises `Usage`: host and socket contradict each other, the port isn't one.
    """
    (host_at, host), (port_at, port), (socket_at, socket) = (
        _strongest(layers, key) for key in ("host", "port", "socket")
    )
    remote = host.text.lower() not in ("", "localhost")
    if remote and host_at == socket_at < strict:
        raise Usage(f"{host.source} and {socket.source} name two servers", "name the host or the socket", "two_servers")
    by_tcp = host_at <= socket_at if remote else port_at < socket_at
    if socket.text and not by_tcp:
        unused = {key: _unused(setting, socket) for key, setting in (("host", host), ("port", port))}
        return Place(None, None, Path(plain(socket)), {**unused, "socket": socket.source})
    used = {"host": host.source, "port": port.source}
    unused_socket = _unused(socket, host if remote else port)
    return Place(_host(host), _port(port), None, {**used, "socket": unused_socket})


def _strongest(layers: Sequence[Layer], key: str) -> tuple[int, Setting]:
    found = ((rank, layer[key]) for rank, layer in enumerate(layers) if key in layer)
    return next(found, (len(layers), _ABSENT))


def _unused(setting: Setting, winner: Setting) -> str:
    return f"{setting.source} (not used: {winner.source} wins)" if setting.text else setting.source


def _host(setting: Setting) -> str:
    host = plain(setting).removeprefix("[").removesuffix("]") or "127.0.0.1"
    try:
        host.encode("idna")
        known = not any(character in host for character in "/@ ")
    except UnicodeError:
        known = False
    if not known:
        raise Usage(f"{setting.source}: {host!r} isn't a host name", code="bad_host")
    return host


def _port(setting: Setting) -> int:
    if setting is _ABSENT:
        return DEFAULT_PORT
    if not (setting.text.isascii() and setting.text.isdigit() and 0 < int(setting.text[:6]) < 65536):
        raise Usage(f"{setting.source}: {setting.text!r} isn't a port, a number from 1 to 65535", code="bad_port")
    return int(setting.text)
