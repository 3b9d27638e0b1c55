"""What every cluster of the tests can do: its nodes live, die, fall silent, come back, and hold the same."""

from __future__ import annotations

import os
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pymysql
import pymysql.cursors
from truth import quoted

from clusters.wire import Wire
from rlops.sandbox import mysqld
from rlops.sandbox.build import Build
from rlops.sandbox.server import RunningServer, free_port

PATIENCE = 180  # seconds until a wait is a failure; a member of a group may need a minute for a vain attempt to join
# A crash of a node may lose nothing, a crash of the machine anything.
FAST = (
    "--innodb-flush-log-at-trx-commit=2",
    "--sync-binlog=0",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=64M",
)


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Look until it is true, a server that can't answer being no answer yet; returns what it gave."""
    deadline = time.monotonic() + patience
    last: object = None
    while True:
        try:
            if found := condition():
                return found
        except pymysql.err.MySQLError as error:
            last = error
        assert time.monotonic() < deadline, f"never happened: {what} ({last})"
        time.sleep(0.05)


def prepare(build: Build, directory: Path, *options: str) -> RunningServer:
    """A server on a copy of the initialised data that all servers of its build start from, not yet launched."""
    directory.mkdir(mode=0o700)
    shutil.copytree(mysqld.seed(build, options, print), directory / "data")
    port = free_port()
    command = mysqld.command(build, directory, port, options)
    return RunningServer(build.label, build.family, build.version, directory, directory / "sql.sock", port, command)


@dataclass(frozen=True)
class Node:
    """One server of a cluster. `restart` returns when it answers; `Cluster.await_synced` waits until it has caught up."""

    name: str
    server: RunningServer
    cluster: Cluster

    def connect(self, **overrides: Any) -> pymysql.Connection[Any]:
        """As root over TCP, autocommit, with rows as dictionaries."""
        arguments = {"host": "127.0.0.1", "port": self.server.port, "user": "root", "charset": "utf8mb4"}
        usual = {
            "autocommit": True,
            "cursorclass": pymysql.cursors.DictCursor,
            "ssl_disabled": True,
            "connect_timeout": 5,
        }
        return pymysql.connect(**arguments | usual | overrides)

    def run(self, *statements: str, **overrides: Any) -> list[dict[str, Any]]:
        """The last one's rows, on a connection of its own."""
        with self.connect(**overrides) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def value(self, expression: str) -> Any:
        return next(iter(self.run(f"SELECT {expression}", read_timeout=5)[0].values()))

    def status(self, pattern: str) -> dict[str, str]:
        """Its status variables with such names."""
        rows = self.run(f"SHOW GLOBAL STATUS LIKE '{pattern}'", read_timeout=5)
        return {row["Variable_name"]: row["Value"] for row in rows}

    def url(self, database: str) -> str:
        return f"mysql://root@127.0.0.1:{self.server.port}/{quote(database, safe='')}"

    def kill9(self) -> None:
        self.server.kill9()

    def stop_signal(self) -> None:
        """SIGSTOP: it keeps its connections, and says nothing on them."""
        os.kill(self.server.pid, signal.SIGSTOP)

    def cont_signal(self) -> None:
        os.kill(self.server.pid, signal.SIGCONT)

    def cut_off(self) -> None:
        """From the other nodes, silently; its clients still reach it."""
        self.cluster.wire.cut_off(self.name)

    def heal(self) -> None:
        self.cluster.wire.heal(self.name)

    def restart(self) -> None:
        """Start it again, on its data, as a part of the cluster."""
        self.server.stop()
        self.cluster.launch(self)

    def contents(self, database: str) -> dict[str, int]:
        """The checksum of each table of that schema, as this node holds it."""
        names = [next(iter(row.values())) for row in self.run("SHOW TABLES", database=database)]
        if not names:
            return {}
        rows = self.run(f"CHECKSUM TABLE {', '.join(map(quoted, names))}", database=database)
        return {row["Table"].partition(".")[2]: row["Checksum"] for row in rows}


class Cluster(ABC):
    """Three nodes, of which `nodes[0]` starts the cluster; they live in `directory` and end with the block."""

    kind: str

    def __init__(self, build: Build, directory: Path) -> None:
        self.build, self.directory = build, directory
        self.wire = Wire()
        self.nodes: list[Node] = []

    def __enter__(self) -> Self:
        try:
            self.begin()
            self.await_synced()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for node in self.nodes:
            node.server.close()
        self.wire.close()

    def add(self, name: str, *options: str) -> Node:
        """A node that is prepared and not yet launched."""
        node = Node(name, prepare(self.build, self.directory / name, *FAST, *options), self)
        self.nodes.append(node)
        return node

    @abstractmethod
    def begin(self) -> None:
        """Add the nodes and launch them all."""

    @abstractmethod
    def launch(self, node: Node) -> None:
        """Start a node that is to join the others."""

    @abstractmethod
    def whole(self) -> bool:
        """Whether every node is a part of the cluster and has applied all that any of them has committed."""

    @abstractmethod
    def accepts(self, node: Node) -> bool:
        """Whether by its own word this node is a part of the cluster that may go on."""

    @property
    @abstractmethod
    def writers(self) -> list[Node]:
        """The nodes that take writes now."""

    @contextmanager
    def held_up(self, node: Node) -> Iterator[None]:
        """That node receives everything and applies nothing, and the others don't wait for it."""
        with node.connect() as connection, connection.cursor() as cursor:
            cursor.execute("FLUSH TABLES WITH READ LOCK")
            yield
            cursor.execute("UNLOCK TABLES")

    @abstractmethod
    def nudge(self) -> None:
        """Help a node that would need an operator, or minutes, to come back by itself."""

    def await_synced(self) -> None:
        def in_step() -> bool:
            self.nudge()
            return self.whole()

        try:
            until(in_step, f"the whole of {self.kind} is in step")
        except AssertionError as error:
            for node in self.nodes:
                error.add_note(f"{node.name}: {node.run('SHOW FULL PROCESSLIST') if node.server.alive() else 'dead'}")
                error.add_note(
                    f"{node.name}:\n" + "\n".join(node.server.log.read_text(errors="replace").splitlines()[-30:])
                )
            raise

    def equal(self, database: str) -> bool:
        """Whether all nodes hold the same tables with the same rows."""
        first, *others = [node.contents(database) for node in self.nodes]
        return all(other == first for other in others)

    def repair(self) -> None:
        """Undo what a test has done to the nodes, and wait until they are in step again."""
        for node in self.nodes:
            node.heal()
            if node.server.alive():
                node.cont_signal()
        if dead := [node for node in self.nodes if not node.server.alive()]:
            self.revive(dead)
        self.await_synced()

    def revive(self, dead: list[Node]) -> None:
        """All at once, since those that lost a majority wait for one another."""
        with ThreadPoolExecutor(len(dead)) as pool:
            list(pool.map(self.launch, dead))
