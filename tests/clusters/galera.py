"""A Galera cluster of three MariaDB servers; a node that comes too late for the others' caches is sent a copy by rsync."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import CACHE

from clusters.rig import Cluster, Node
from rlops.sandbox import debian
from rlops.sandbox.build import Build
from rlops.sandbox.cache import once
from rlops.sandbox.provision import unpacked
from rlops.sandbox.server import free_port

LABEL = "galera-11.8"
SUITE, PACKAGE = "trixie", "mariadb-server"  # which depends on galera-4, rsync and all that the scripts call
SCRIPTS = ("wsrep_sst_rsync", "wsrep_sst_common")
PROGRAMS = ("rsync", "my_print_defaults", "ss", "lsof", "ps")
WRAPPER = """\
#!/bin/sh
usr="${{0%/*}}/.."
# A daemon that root starts writes as nobody, unless told not to.
[ "$1" != --daemon ] || set -- "$@" --dparam=uid="$(id -u)" --dparam=gid="$(id -g)"
exec "$usr/loaders/{name}" --library-path "$usr/{libraries}" "$usr/programs/{name}" "$@"
"""


def provide() -> Build:
    folder = once(CACHE / "builds" / LABEL, _fetch, print)
    return unpacked(LABEL, folder, f"unpacked from Debian {SUITE}")


def _fetch(folder: Path) -> None:
    """In the server's own bin, where it looks first, put its scripts and what they call, each through the unpacked libc."""
    debian.unpack(SUITE, PACKAGE, folder)
    usr, programs, loaders = folder / "usr", folder / "usr/programs", folder / "usr/loaders"
    (usr / "bin").rename(programs)
    for made in (usr / "bin", loaders):
        made.mkdir()
    loader = next(usr.glob("lib/*/ld-linux*.so.*")).relative_to(usr)
    for name in SCRIPTS:
        (programs / name).rename(usr / "bin" / name)
    for name in PROGRAMS:
        (loaders / name).symlink_to(
            ".." / loader
        )  # a process is called by the file it starts from; they look for "rsync"
        wrapper = usr / "bin" / name
        wrapper.write_text(WRAPPER.format(name=name, libraries=loader.parent))
        wrapper.chmod(0o755)


class Galera(Cluster):
    """Every node takes writes. A node's group port is behind the wire, so that it can be cut off."""

    kind = "galera"

    def __init__(self, directory: Path) -> None:
        super().__init__(provide(), directory)

    def begin(self) -> None:
        for number in (1, 2, 3):
            self._add(number)
        self._start(self.nodes[0], "--wsrep-new-cluster")
        for node in self.nodes[1:]:
            self._start(node)

    def _add(self, number: int) -> Node:
        name = f"node{number}"
        # The others find a node at the address that its calls come from and at the port that it listens on: calls
        # come from the wire's 127.0.0.1, so the wire has that port there, and the node has it on an address beside.
        host, port = f"127.0.0.1{number}", self.wire.port(name)
        provider = {
            "gmcast.listen_addr": f"tcp://{host}:{port}",
            "ist.recv_addr": f"127.0.0.1:{free_port()}",
            "gcache.size": "32M",
        }
        peers = ",".join(f"127.0.0.1:{self.wire.port(f'node{peer}')}" for peer in (1, 2, 3))
        node = self.add(
            name,
            *("--wsrep-on=ON", f"--wsrep-provider={self._library()}", f"--wsrep-cluster-address=gcomm://{peers}"),
            *("--wsrep-cluster-name=rlops", f"--wsrep-node-name={name}", "--wsrep-node-address=127.0.0.1"),
            *("--wsrep-sst-method=rsync", f"--wsrep-sst-receive-address=127.0.0.1:{free_port()}"),
            "--wsrep-provider-options=" + ";".join(f"{key}={value}" for key, value in provider.items()),
            *("--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-slave-threads=2"),
        )
        self.wire.lead(name, (host, port), lambda: node.server.pid)
        return node

    def _library(self) -> Path:
        return next(Path(self.build.share).parents[1].glob("lib/galera/libgalera_smm.so"))

    def launch(self, node: Node) -> None:
        """A crashed node's log tells how far it had come, and so what it has missed; one without a state gets it all."""
        if not (node.server.directory / "data/grastate.dat").exists():
            self._start(node)
            return
        command = [*node.server.command, "--wsrep-recover"]
        said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stderr
        found = re.search(r"Recovered position: *(\S+:-?\d+)", said)
        assert found, said
        self._start(node, f"--wsrep-start-position={found[1]}")

    def _start(self, node: Node, *extra: str) -> None:
        usual = node.server.command
        node.server.command = (*usual, f"--wsrep-node-incoming-address=127.0.0.1:{node.server.port}", *extra)
        try:
            node.server.launch()
        finally:
            node.server.command = usual

    def nudge(self) -> None:
        """A node that comes back into reach needs no help."""

    def whole(self) -> bool:
        seen = [node.status("wsrep_%") for node in self.nodes]
        return len({each["wsrep_last_committed"] for each in seen}) == 1 and all(
            (each["wsrep_cluster_status"], each["wsrep_cluster_size"], each["wsrep_local_state_comment"])
            == ("Primary", str(len(self.nodes)), "Synced")
            and each["wsrep_local_recv_queue"] == "0"
            for each in seen
        )

    def accepts(self, node: Node) -> bool:
        return node.status("wsrep_cluster_status") == {"wsrep_cluster_status": "Primary"}

    @property
    def writers(self) -> list[Node]:
        return self.nodes

    @contextmanager
    def held_up(self, node: Node) -> Iterator[None]:
        node.run("SET GLOBAL wsrep_desync = ON")  # else flow control stops the others for it
        with super().held_up(node):
            yield
        node.run("SET GLOBAL wsrep_desync = OFF")
