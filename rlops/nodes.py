"""The other servers of a cluster: whether they take part, and how far each is behind with what it has received.

A group tells of all its members; a Galera node tells of itself alone, so each is asked on a connection of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from rlops import privileges
from rlops.db import Database, Lost, ServerError
from rlops.errors import RlopsError
from rlops.replicas import ANSWER_WITHIN
from rlops.sqlfiles import SqlFolder

STATEMENT = "throttle/050_members"
HELD_BACK = 0.1  # share of the time between two looks for which flow control may hold writers back
IN_STEP = ("ONLINE", "Synced")
AGREE_WITHIN = 30.0  # seconds that every server has to follow what was changed
SOON = 1.0  # seconds in which a node that isn't behind applies what was ordered when one began to look
LOOK_EVERY = 0.2  # seconds
GALERA_PORT = 3306  # of an incoming address that names none


@dataclass(frozen=True)
class Node:
    """One server of the cluster. `queue` is how many transactions it has still to apply; None when it can't be known, and why.

    `hint` is what somebody has to do about that, if waiting will not mend it.
    """

    place: str
    state: str
    queue: int | None
    why: str = ""
    hint: str = ""

    @property
    def told(self) -> str:
        """Why it isn't in step, in words."""
        return self.behind(0) or f"{self.place} is {self.state}"

    def behind(self, most: int) -> str | None:
        """Why to wait for it, in words."""
        if self.queue is None:
            return f"how far {self.place} is behind is unknown: {self.why}"
        if self.queue > most:
            return f"{self.place} has {self.queue:,} transactions to apply, above {most:,}"
        return None


class Nodes:
    """Looks at all servers of this session's cluster; none where it stands alone."""

    def __init__(self, db: Database, sql: SqlFolder) -> None:
        self.db, self.sql = db, sql
        self._others: dict[str, Database] = {}
        self._held: tuple[float, float] | None = None

    def look(self, upto: int | None = None) -> list[Node]:
        """Each server of the cluster, by what was ordered `upto` there (None: until now), where transactions have numbers.

        Raises Lost for this one's connection, and nothing for what the others do.
        """
        looks = self.db.engine.can.looks
        if "nodes" in looks:
            return self._all(self._status(self.db), upto)
        return self._members() if "members" in looks else []

    def ordered(self) -> int | None:
        """The number of the last transaction that this node knows of; None where they have none. Raises Lost."""
        return _ordered(self._status(self.db)) if "nodes" in self.db.engine.can.looks else None

    def reason(self, most: int) -> str | None:
        """Why to wait before the next chunk: a node that is behind, or flow control. Raises Lost."""
        if "nodes" not in self.db.engine.can.looks:
            return _late(self.look(), most)
        own = self._status(self.db)
        return _late(self._all(own), most) or self._flow_control(own)

    def _all(self, own: Mapping[str, str], upto: int | None = None) -> list[Node]:
        now = _ordered(own)
        wanted = now if upto is None else min(upto, now)  # the queue may have held what has no number
        return [self._asked(place, wanted) for place in places(own["wsrep_incoming_addresses"])]

    def _members(self) -> list[Node]:
        try:
            rows = self.db.rows(self.sql.statement(STATEMENT).sql)
        except Lost:
            raise
        except ServerError as error:
            needs = self.sql.file(STATEMENT).needs
            hint = f"An administrator runs GRANT {needs} TO {privileges.current(self.db)}"
            return [Node("the group", "", None, f"needs {needs}: {error.text}", hint)]
        return [
            Node(str(row["place"]), str(row["state"]), None, f"it is {row['state']}")
            if row["queue"] is None or row["state"] not in ("ONLINE", "RECOVERING")
            else Node(str(row["place"]), str(row["state"]), int(row["queue"]))
            for row in rows
        ]

    def _asked(self, place: str, upto: int) -> Node:
        host, _, port = place.rpartition(":")
        if not host or not port.isdigit():
            host, port = place, str(GALERA_PORT)
        if host in ("", "AUTO"):
            why = "it doesn't say where it is (wsrep_node_incoming_address)"
            return Node("a node without an address", "", None, why, "Set wsrep_node_incoming_address on that node")
        try:
            if place not in self._others:
                self._others[place] = Database(
                    replace(self.db.target, host=host.strip("[]"), port=int(port), socket=None), program="rlops throttle",
                    statement_limit=None, lock_wait=1.0, answer_within=ANSWER_WITHIN,
                )  # fmt: skip
            found = self._status(self._others[place])
        except RlopsError as error:
            self._forget(place)
            hint = "Let this account log in to every node from here"
            return Node(place, "", None, f"it does not answer ({error.message})", hint)
        state = found["wsrep_local_state_comment"]
        if found["wsrep_cluster_status"] != "Primary":
            return Node(place, state, None, f"it is cut off ({found['wsrep_cluster_status']})")
        return Node(place, state, max(0, upto - int(found["wsrep_last_committed"])))

    def _status(self, db: Database) -> Mapping[str, str]:
        return {str(row["Variable_name"]): str(row["Value"]) for row in db.rows(self.sql.statement(STATEMENT).sql)}

    def _flow_control(self, own: Mapping[str, str]) -> str | None:
        now, paused = time.monotonic(), int(own["wsrep_flow_control_paused_ns"]) / 1e9
        before, self._held = self._held, (now, paused)
        if before is None or now <= before[0]:
            return None
        share = (paused - before[1]) / (now - before[0])
        return (
            f"flow control held the cluster's writers back for {share:.0%} of the time" if share > HELD_BACK else None
        )

    def _forget(self, place: str) -> None:
        if place in self._others:
            with suppress(ServerError):
                self._others.pop(place).close()

    def close(self) -> None:
        """End the connections to the others."""
        for place in list(self._others):
            self._forget(place)


def _ordered(status: Mapping[str, str]) -> int:
    return int(status["wsrep_last_committed"]) + int(status["wsrep_local_recv_queue"])


def _late(nodes: Iterable[Node], most: int) -> str | None:
    return next((why for node in nodes if (why := node.behind(most))), None)


def places(addresses: str) -> list[str]:
    """Where the nodes are, by wsrep_incoming_addresses. One that has none at all is an arbitrator, which holds no rows."""
    return [place.strip() for place in addresses.split(",") if place.strip()]


def straggler(db: Database, sql: SqlFolder, seconds: float) -> Node | None:
    """Wait up to so many seconds until every server has applied what it has to by now; else one that hasn't. Raises Lost."""
    nodes, deadline = Nodes(db, sql), time.monotonic() + seconds
    try:
        upto = nodes.ordered()
        while found := next((node for node in nodes.look(upto) if node.behind(0) or node.state not in IN_STEP), None):
            if time.monotonic() >= deadline:
                return found
            time.sleep(LOOK_EVERY)
        return None
    finally:
        nodes.close()


def disagreeing(db: Database, sql: SqlFolder, seconds: float) -> str | None:
    """As `straggler`, in words."""
    late = straggler(db, sql, seconds)
    return late.told if late else None
