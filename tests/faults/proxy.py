"""A loopback proxy that counts the statements a client sends, and strikes at the N-th of them.

It reads packets, so the connection must be without TLS.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from rlops import withdraw

COM_QUERY = 3
# What a second session asks while a DDL runs: as often as that takes, so that it can't be counted.
WATCHES = withdraw.STATE.partition("%s")[0]
PATIENCE = 60  # seconds for the server's answer, so that a hang is a failure and not a hang of the tests

# before: the server never gets the statement. answered: the server has carried it out, the client never hears of it.
# running: the server has got it, and nobody waits for it.
Point = Literal["before", "answered", "running"]
POINTS: tuple[Point, ...] = ("before", "answered", "running")


@dataclass(frozen=True)
class Strike:
    """When to strike, and what to do then before the connection is cut: kill the client, for instance."""

    number: int
    point: Point
    act: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Sent:
    """A statement: on which connection it came, and what the watched folder held by then."""

    sql: str
    connection: int
    files: frozenset[tuple[str, int, int]]


class Proxy:
    """Listens on a free port of 127.0.0.1 while the block runs. `sent` is what went through or was struck."""

    def __init__(
        self,
        server_port: int,
        strike: Strike | None = None,
        watched: Path | None = None,
        ahead: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`ahead` is called with each statement before the server gets it, while the client waits."""
        self.server_port, self.strike, self.watched, self.ahead = server_port, strike, watched, ahead
        self.sent: list[Sent] = []
        self._counting = threading.Lock()
        self.struck = threading.Event()
        self.failures: list[Exception] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def ended_before(self, number: int) -> bool:
        """Whether the client was done without sending so many statements: a slower run looks at the server more often."""
        return not self.struck.is_set() and len(self.sent) < number

    def __exit__(self, *_: object) -> None:
        # A thread that waits for a socket isn't woken by close(), nor by shutdown() if close() follows too soon.
        _shut(self._listener)
        self._threads[0].join(PATIENCE)
        for each in self._sockets:
            _shut(each)
        for thread in self._threads:
            thread.join(PATIENCE)
        for each in (self._listener, *self._sockets):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.server_port))
            except OSError:
                client.close()  # the server is down, and the client is to see just that
                continue
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets += [client, server]
            self._threads.append(threading.Thread(target=self._carry, args=(client, server), daemon=True))
            self._threads[-1].start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        try:
            with client, server, selectors.DefaultSelector() as selector:
                selector.register(client, selectors.EVENT_READ)
                selector.register(server, selectors.EVENT_READ)
                self._pump(client, server, selector)
        except OSError:
            return  # one of the two is gone, and by now both are
        except Exception as error:  # for the test to find: a thread can't raise
            self.failures.append(error)

    def _pump(self, client: socket.socket, server: socket.socket, selector: selectors.BaseSelector) -> None:
        pending = b""
        while True:
            for key, _ in selector.select():
                data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                if not data:
                    return
                if key.fileobj is server:
                    client.sendall(data)
                    continue
                packets, pending = split(pending + data)
                if not all(self._pass(packet, server) for packet in packets):
                    return

    def _pass(self, packet: bytes, server: socket.socket) -> bool:
        """Pass one packet of the client's on; False when it is time to cut."""
        # A command starts a new sequence; the login's packets go on with the server's.
        if packet[3] or packet[4:5] != bytes([COM_QUERY]):
            server.sendall(packet)
            return True
        statement = packet[5:].decode(errors="replace")
        if statement.startswith(WATCHES):
            server.sendall(packet)
            return True
        self.ahead(statement)
        with self._counting:
            self.sent.append(Sent(statement, server.fileno(), self._files()))
            number = len(self.sent)
        strike = self.strike
        if strike is None or number != strike.number:
            server.sendall(packet)
            return True
        if strike.point != "before":
            server.sendall(packet)
        if strike.point == "answered":
            server.settimeout(PATIENCE)
            server.recv(1)
        strike.act()
        self.struck.set()
        return False

    def _files(self) -> frozenset[tuple[str, int, int]]:
        found = self.watched.rglob("*") if self.watched else ()
        stats = ((str(path), path.stat()) for path in found)
        return frozenset((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _shut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """The whole packets at the start of the data, and the rest."""
    packets = []
    while len(data) >= 4 and len(data) >= (end := 4 + int.from_bytes(data[:3], "little")):
        packets.append(data[:end])
        data = data[end:]
    return packets, data
