"""Starts a tidb-server that stores its data itself, in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rlops.sandbox.build import Build
from rlops.sandbox.server import RunningServer, free_port


@contextmanager
def started(build: Build, directory: Path) -> Iterator[RunningServer]:
    """On 127.0.0.1 and on a socket, for as long as the block; `directory` is new, and goes with it."""
    directory.mkdir(mode=0o700)
    port, socket = free_port(), directory / "sql.sock"
    command = (
        *build.command, "-store", "unistore", "-path", str(directory / "store"), "-temp-dir", str(directory / "tmp"),
        "-host", "127.0.0.1", "-P", str(port), "-socket", str(socket), "-L", "warn",
        "-status-host", "127.0.0.1", "-status", str(free_port()),  # through which it reads its CLUSTER_ tables
    )  # fmt: skip
    with RunningServer(build.label, build.family, build.version, directory, socket, port, command) as server:
        server.launch()
        yield server
