"""The network between the nodes of a cluster: a port of 127.0.0.1 for each of them, which can fall silent."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

Address = tuple[str, int]


class Wire:
    """Carries what the nodes say to one another, so long as they reach one another through its ports.

    A cut is silent, as a real one is: nothing is refused or closed, nothing arrives, and what TCP has in hand goes on
    after it. A node that is cut off still reaches itself.
    """

    def __init__(self) -> None:
        self._listeners: dict[str, socket.socket] = {}
        self._pids: dict[str, Callable[[], int]] = {}
        self._sockets: set[socket.socket] = set()
        self._silent: set[str] = set()
        self._closed = False
        self._changed = threading.Condition()

    def port(self, node: str) -> int:
        """The port at which the others reach that node, from its first mention on."""
        if node not in self._listeners:
            self._listeners[node] = socket.create_server(("127.0.0.1", 0))
        return int(self._listeners[node].getsockname()[1])

    def lead(self, node: str, to: Address, pid: Callable[[], int]) -> None:
        """Begin to carry: the node really listens at `to`, and `pid` tells which process it is."""
        self.port(node)
        self._pids[node] = pid
        threading.Thread(target=self._accept, args=(node, to), daemon=True).start()

    def cut_off(self, node: str) -> None:
        """Nothing passes between this node and the others any more."""
        self._change(self._silent | {node})

    def heal(self, node: str) -> None:
        self._change(self._silent - {node})

    def close(self) -> None:
        self._closed = True
        self._change(set())
        for each in (*self._listeners.values(), *self._sockets):
            _shut(each)
            each.close()

    def _change(self, silent: set[str]) -> None:
        with self._changed:
            self._silent = silent
            self._changed.notify_all()

    def _severed(self, one: str, other: str) -> bool:
        return not self._closed and one != other and bool({one, other} & self._silent)

    def _await_passage(self, one: str, other: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._severed(one, other))

    def _accept(self, node: str, to: Address) -> None:
        with suppress(OSError):
            while True:
                caller, address = self._listeners[node].accept()
                threading.Thread(target=self._carry, args=(caller, address, node, to), daemon=True).start()

    def _carry(self, caller: socket.socket, address: Address, node: str, to: Address) -> None:
        origin = self._who(address)
        if self._severed(origin, node):
            caller.close()
            return
        try:
            callee = socket.create_connection(to)
        except OSError:
            caller.close()  # the node is down, and the others are to see just that
            return
        for each in (caller, callee):
            self._sockets.add(each)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._pump, args=(callee, caller, node, origin), daemon=True).start()
        self._pump(caller, callee, origin, node)

    def _pump(self, source: socket.socket, sink: socket.socket, origin: str, node: str) -> None:
        """One direction; a thread each, since a node that is stopped reads nothing and must not hold up the others."""
        with suppress(OSError):
            while data := source.recv(65536):
                self._await_passage(origin, node)
                sink.sendall(data)
        self._await_passage(origin, node)
        _shut(sink)
        _shut(source)
        source.close()
        self._sockets.discard(source)

    def _who(self, address: Address) -> str:
        """Which node calls from there. No node says so itself: all of them call from 127.0.0.1."""
        inode = _inode(address)
        return next((name for name, pid in self._pids.items() if _holds(pid(), inode)), "")


def _inode(address: Address) -> str:
    """Of the socket whose own end that is, as /proc names it."""
    host = int.from_bytes(socket.inet_aton(address[0]), sys.byteorder)
    end = f"{host:08X}:{address[1]:04X}"  # in tcp6 with a prefix that says IPv4
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(end) and fields[9] != "0":
                return f"socket:[{fields[9]}]"
    return ""


def _holds(pid: int, inode: str) -> bool:
    with suppress(OSError):
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if each.readlink() == Path(inode):
                    return True
    return False


def _shut(each: socket.socket) -> None:
    """Wakes a thread that waits on it, which close() alone doesn't."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
