"""A primary and two replicas that follow it asynchronously, MySQL or MariaDB."""

from __future__ import annotations

from pathlib import Path

import replication
from conftest import CACHE

from clusters.rig import Cluster, Node
from rlops.sandbox.provision import provide

OPTIONS = {
    "mysql": ("--gtid-mode=ON", "--enforce-gtid-consistency=ON"),
    "mariadb": ("--gtid-strict-mode=ON", "--binlog-format=ROW"),
}
APPLIED = {"mysql": "@@gtid_executed", "mariadb": "@@gtid_current_pos"}


class Replicas(Cluster):
    """The replicas reach the primary through the wire. Only the primary takes the shop's writes."""

    def __init__(self, label: str, directory: Path) -> None:
        super().__init__(provide(label, cache=CACHE, say=print), directory)
        self.kind = f"replicas of {label}"

    def begin(self) -> None:
        for number in (1, 2, 3):
            self.add(f"node{number}", f"--server-id={number}", "--log-bin", *OPTIONS[self.build.family])
        primary, *replicas = self.nodes
        for node in self.nodes:
            self.launch(node)
            assert node.server.port
            self.wire.lead(node.name, ("127.0.0.1", node.server.port), lambda node=node: node.server.pid)
        for node in replicas:
            replication.replicate(primary.server, node.server, self.wire.port(primary.name))

    def launch(self, node: Node) -> None:
        """A replica goes on following by itself."""
        node.server.launch()

    def nudge(self) -> None:
        """MySQL's replica gives up a primary after ten attempts to reach it."""
        for node in self.nodes[1:]:
            if not replication.following(node.server):
                replication.go_on(node.server)

    def whole(self) -> bool:
        replicas = self.nodes[1:]
        applied = {node.value(APPLIED[self.build.family]) for node in self.nodes}
        return len(applied) == 1 and all(replication.following(node.server) for node in replicas)

    def accepts(self, node: Node) -> bool:
        return node in self.writers or replication.following(node.server)

    @property
    def writers(self) -> list[Node]:
        return self.nodes[:1]
