"""Start and stop a throw-away server in a directory of its own."""

from __future__ import annotations

import os
import random
import shutil
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pymysql

from rlops.errors import Failed
from rlops.sandbox import mysqld, seekdb
from rlops.sandbox.build import Build, run, tail
from rlops.sandbox.cache import Say
from rlops.sandbox.process import Process, spawn

OTHER_SERVER = "use a server of your own, with --url"
START_SECONDS = 60
STOP_SECONDS = 30
SOCKET_PATH_BYTES = 107  # sun_path, less its closing zero
PORTS = range(20000, 32000)  # below the ephemeral ports, which a client's own connection may take at any time


@dataclass
class RunningServer:
    """A server, `root` without a password on its socket and, if it has a port, on 127.0.0.1."""

    label: str
    family: str
    version: str
    directory: Path
    socket: Path
    port: int | None
    command: tuple[str, ...]
    process: Process = field(default=Process(0, -1))
    detached: bool = False
    user: str = "root"

    @property
    def pid(self) -> int:
        """The server's process id, that of the last one if it is stopped."""
        return self.process.pid

    @property
    def log(self) -> Path:
        """Where the server writes its errors."""
        return self.directory / "error.log"

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.alive()

    def connect_args(self) -> dict[str, Any]:
        """PyMySQL's arguments, over the socket."""
        return {"unix_socket": str(self.socket), "user": self.user, "charset": "utf8mb4"}

    def stop(self) -> None:
        """Shut down in order, and by force after 30 s. The data stays."""
        self.process.stop(STOP_SECONDS)

    def kill9(self) -> None:
        """End it as a crash would. The data stays."""
        self.process.kill()

    def restart(self) -> None:
        """Stop it if it runs, and start it on its data, with the same socket and port. Raises Failed with its log."""
        self.stop()
        self.launch()

    def close(self) -> None:
        """End it, at once since nobody will want its data, and remove its directory."""
        self.kill9()
        shutil.rmtree(self.directory, ignore_errors=True)

    def launch(self) -> None:
        """Start the process, and wait until it answers. Raises Failed, with the end of its log, if it doesn't."""
        self.socket.with_name(self.socket.name + ".lock").unlink(missing_ok=True)  # its process id may be another's now
        environment, inherited = {}, []
        if self.family == "oceanbase":
            environment, inherited = seekdb.ENVIRONMENT, [seekdb.hold(self.directory)]
        try:
            self.process = spawn(
                self.command, self.log, detached=self.detached, environment=environment, inherited=inherited
            )
        finally:
            for descriptor in inherited:
                os.close(descriptor)
        try:
            self._await_answer()
        except BaseException:
            self.kill9()
            raise

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.alive() or time.monotonic() > deadline:
                said = tail(self.log.read_text(errors="replace"))
                raise Failed(f"{self.label} did not start; its log ends with:\n{said}", hint=OTHER_SERVER)
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with pymysql.connect(**self.connect_args()) as connection, connection.cursor() as cursor:
                if self.family == "oceanbase":
                    cursor.execute(seekdb.IN_SERVICE)
                    return bool(cursor.fetchone())
                return True
        except pymysql.Error:
            return False

    def record(self) -> dict[str, Any]:
        """All that `attach` needs, as JSON can hold it."""
        names = ("label", "family", "version", "port", "detached")
        plain = {name: getattr(self, name) for name in names}
        paths = {"directory": str(self.directory), "socket": str(self.socket), "command": list(self.command)}
        return plain | paths | {"pid": self.process.pid, "born": self.process.born}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def attach(record: dict[str, Any]) -> RunningServer:
    """The server that another process started, from its `record()`; it may be dead: see `alive()`."""
    known = {**record, "directory": Path(record["directory"]), "socket": Path(record["socket"])}
    process = Process(known.pop("pid"), known.pop("born"))
    return RunningServer(**known | {"command": tuple(record["command"])}, process=process)


def start(
    build: Build,
    directory: Path,
    *,
    tcp: bool = False,
    options: Sequence[str] = (),
    detached: bool = False,
    say: Say = lambda _: None,
) -> RunningServer:
    """A server whose data, socket and log live in `directory`, which must be new or empty, and which `close` removes.

    With `tcp` it also listens on a free port of 127.0.0.1; seekdb never does. `options` are the engine's own. Unless
    `detached`, it dies with this process. Raises Failed, with the end of its log, if it doesn't start.
    """
    directory = directory.absolute()
    _claim(directory)
    try:
        if build.family != "oceanbase":
            _copy(mysqld.seed(build, options, say), directory / "data")
        return _start(build, directory, tcp, options, detached)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _start(build: Build, directory: Path, tcp: bool, options: Sequence[str], detached: bool) -> RunningServer:
    for tries_left in (4, 3, 2, 1, 0):
        if build.family == "oceanbase":
            port, path, command = None, directory / seekdb.SOCKET, (*seekdb.command(build, directory), *options)
        else:
            port = free_port() if tcp else None
            path, command = directory / "sql.sock", mysqld.command(build, directory, port, options)
        server = RunningServer(
            build.label, build.family, build.version, directory, path, port, command, detached=detached
        )
        try:
            server.launch()
            break
        except Failed as failure:
            if not (port and tries_left and "already in use" in failure.message):
                raise
    return server


def _claim(directory: Path) -> None:
    longest = directory / seekdb.SOCKET
    if len(os.fsencode(longest)) > SOCKET_PATH_BYTES:
        raise Failed(
            f"the path {directory} is too long for a unix socket in it ({SOCKET_PATH_BYTES} bytes with its name)",
            hint="use a shorter directory",
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o700)
        if any(directory.iterdir()):
            raise Failed(f"{directory} isn't empty", hint="name a new directory")
    except OSError as error:
        raise Failed(f"can't use {directory}: {error.strerror}", hint="name another directory") from error


def _copy(seed: Path, data: Path) -> None:
    run(["cp", "-a", "--reflink=auto", str(seed), str(data)], f"copying {seed} to {data}", hint="is the disk full?")


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens. Raises Failed when there is none."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failed("no port is free on 127.0.0.1", hint="use the socket")
