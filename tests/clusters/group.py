"""A MySQL group of three, whose members talk to one another over MySQL's own protocol, and so on loopback alone."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pymysql
from conftest import CACHE

from clusters.rig import Cluster, Node, until
from rlops.sandbox.provision import provide

LABEL = "mysql-9.7"
MEMBERS = "performance_schema.replication_group_members"
BLIND_FOR = 60  # seconds of UNREACHABLE, with every member up, after which its own look at the group won't mend
CREDENTIALS = "CHANGE REPLICATION SOURCE TO SOURCE_USER = 'root' FOR CHANNEL 'group_replication_recovery'"


class Group(Cluster):
    """One member, or all of them if `multi`, take writes. A member's address in the group is behind the wire."""

    kind = "group"
    multi = False

    def __init__(self, directory: Path) -> None:
        super().__init__(provide(LABEL, cache=CACHE, say=print), directory)
        self.name = str(uuid.uuid4())
        self.blind: dict[str, float] = {}

    def begin(self) -> None:
        for number in (1, 2, 3):
            self._add(number)
        first, *others = self.nodes
        first.server.launch()
        self._found(first)
        for node in others:
            self.launch(node)

    def _found(self, first: Node) -> None:
        first.run(CREDENTIALS, "SET GLOBAL group_replication_bootstrap_group = ON", "START GROUP_REPLICATION")
        first.run("SET GLOBAL group_replication_bootstrap_group = OFF")

    def _add(self, number: int) -> None:
        name = f"node{number}"
        seeds = ",".join(f"127.0.0.1:{self.wire.port(f'node{peer}')}" for peer in (1, 2, 3))
        node = self.add(
            name,
            *(f"--server-id={number}", "--log-bin", "--gtid-mode=ON", "--enforce-gtid-consistency=ON"),
            *("--report-host=127.0.0.1", "--plugin-load-add=group_replication.so"),
            *(f"--group-replication-group-name={self.name}", "--group-replication-start-on-boot=OFF"),
            "--group-replication-communication-stack=MYSQL",
            f"--group-replication-local-address=127.0.0.1:{self.wire.port(name)}",
            f"--group-replication-group-seeds={seeds}",
            f"--group-replication-single-primary-mode={'OFF' if self.multi else 'ON'}",
            *("--group-replication-message-cache-size=134217728", "--table-open-cache=400"),
        )
        assert node.server.port
        self.wire.lead(name, ("127.0.0.1", node.server.port), lambda: node.server.pid)

    def launch(self, node: Node) -> None:
        node.server.launch()
        self._join(node)

    def _join(self, node: Node) -> None:
        node.run(CREDENTIALS)
        until(lambda: self._joins(node), f"{node.name} joins")

    def _joins(self, node: Node) -> bool:
        """Not while the others still take it for the one that has died."""
        try:
            node.run("START GROUP_REPLICATION")
        except pymysql.err.MySQLError:
            return False
        return True

    def revive(self, dead: list[Node]) -> None:
        """A minority waits for its majority for ever, so all start anew, from the one that has committed most."""
        if len(dead) * 2 < len(self.nodes):
            super().revive(dead)
            return
        for node in self.nodes:
            node.kill9()
            node.server.launch()
        executed = [node.value("@@gtid_executed") for node in self.nodes]
        first = max(
            self.nodes,
            key=lambda node: sum(node.value(f"GTID_SUBSET('{gtids}', @@gtid_executed)") for gtids in executed),
        )
        self._found(first)
        for node in self.nodes:
            if node is not first:
                self._join(node)

    def nudge(self) -> None:
        """Get back a member that was expelled, which tries once by itself and then only every five minutes, and one
        that goes on taking another for unreachable."""
        for node in self.nodes:
            states = {row["MEMBER_STATE"] for row in node.run(f"SELECT MEMBER_STATE FROM {MEMBERS}", read_timeout=5)}
            if not states & {"ONLINE", "RECOVERING", "UNREACHABLE"}:
                node.run("STOP GROUP_REPLICATION", "START GROUP_REPLICATION")
            if "UNREACHABLE" not in states:
                self.blind.pop(node.name, None)
            elif time.monotonic() - self.blind.setdefault(node.name, time.monotonic()) > BLIND_FOR:
                del self.blind[node.name]
                node.kill9()
                self.launch(node)

    def await_synced(self) -> None:
        self.blind.clear()
        super().await_synced()

    def whole(self) -> bool:
        online = f"(SELECT COUNT(*) FROM {MEMBERS} WHERE MEMBER_STATE = 'ONLINE')"
        seen = {(node.value(online), node.value("@@gtid_executed")) for node in self.nodes}
        return len(seen) == 1 and {count for count, _ in seen} == {len(self.nodes)}

    def accepts(self, node: Node) -> bool:
        reached = node.run(f"SELECT MEMBER_STATE FROM {MEMBERS}", read_timeout=5)
        return sum(row["MEMBER_STATE"] == "ONLINE" for row in reached) * 2 > len(self.nodes)

    @property
    def writers(self) -> list[Node]:
        query = f"SELECT MEMBER_PORT FROM {MEMBERS} WHERE MEMBER_ROLE = 'PRIMARY' AND MEMBER_STATE = 'ONLINE'"
        seen = (node.run(query) for node in self.nodes if node.server.alive())
        primaries = {row["MEMBER_PORT"] for rows in seen for row in rows}
        return [node for node in self.nodes if node.server.port in primaries]


class MultiGroup(Group):
    """Every member takes writes."""

    kind = "group-multi"
    multi = True
