"""Whether a server takes writes: a replica, a read-only server and a node that is out of its cluster don't, or must not."""

from __future__ import annotations

from collections.abc import Mapping

from rlops.db import Database, Forbidden, Row
from rlops.engines import Engine, Family, Kind
from rlops.errors import Refused

# What it takes to see them, by family; the others have no replicas.
SEES_SOURCES: Mapping[Family, str] = {"mysql": "REPLICATION CLIENT", "mariadb": "SLAVE MONITOR"}
GROUPS: tuple[Kind, ...] = ("group_replication", "multi_primary")
GROUP_CHANNELS = "group_replication_"  # a group's members follow one another by these


def refuse(db: Database) -> None:
    """Raise Refused where a change would be lost, refused in the middle, or make a replica another than its source."""
    if problem := reason(db):
        raise not_writable(problem)


def not_writable(problem: str) -> Refused:
    """The refusal to write to a server with this problem."""
    return Refused(
        f"{problem}. Nothing was changed", "Connect to the server that takes the shop's writes.", "not_writable"
    )


def unseen(db: Database) -> str | None:
    """That this account can't see whether this server is a replica, in words; None where it can."""
    if not db.engine.can.binlog or sources(db) is not None:
        return None
    return f"whether this server is a replica can't be seen without {SEES_SOURCES[db.family]}"


def reason(db: Database) -> str | None:
    """Why this server is not to be written to, or None. What this account may not see is no reason: see `unseen`."""
    if not db.engine.can.binlog:
        return None
    names = "('read_only', 'super_read_only', 'innodb_read_only')"
    switched = [
        str(row["Variable_name"])
        for row in db.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN {names}")
        if str(row["Value"]) not in ("OFF", "0")
    ]
    return of_cluster(db) or (f"{' and '.join(switched)} is ON here" if switched else None) or _replica(db)


def _replica(db: Database) -> str | None:
    rows = sources(db)
    if rows is None:
        return "this server is a replica" if applies(db) else None
    for row in rows:
        source = row.get("Source_Host") or row.get("Master_Host") or "another server"
        return f"this server is a replica of {source}"
    return None


def asking(engine: Engine) -> str:
    """The statement that shows what a server is a replica of. SHOW REPLICA STATUS came with MySQL 8.0.22."""
    if engine.family == "mariadb":
        return "SHOW ALL SLAVES STATUS"
    return "SHOW REPLICA STATUS" if engine.numbers >= (8, 0, 22) else "SHOW SLAVE STATUS"


def sources(db: Database) -> list[Row] | None:
    """What this server is a replica of, a row a source; None when this account may not see it.

    Raises ServerError for anything but a missing privilege. Members of a group are no replicas of one another.
    """
    try:
        rows = db.rows(asking(db.engine))
    except Forbidden:
        return None
    return [row for row in rows if not str(row.get("Channel_Name") or "").startswith(GROUP_CHANNELS)]


def applies(db: Database) -> bool:
    """Whether this server is applying another's changes now, which any account sees on MariaDB, and none on MySQL."""
    row = db.row("SHOW GLOBAL STATUS LIKE 'Slaves_running'")
    return bool(row and int(row["Value"]))


def of_cluster(db: Database) -> str | None:
    """Why this node of a cluster is not to be written to, or None. On a group what this account may not see is none."""
    if problem := cut_off(db):
        return problem
    if db.engine.kind == "galera":
        state = _status(db).get("wsrep_local_state_comment", "")
        return None if state == "Synced" else f"this node is not in step with its cluster (its state is {state})"
    secondary = any(row["own"] and row["MEMBER_ROLE"] != "PRIMARY" for row in _members(db) or ())
    return "this member of its group is a secondary" if secondary else None


def cut_off(db: Database) -> str | None:
    """Why this node doesn't know what its cluster writes, or None.

    An ordinary SELECT is refused there (Galera), or waits without end (a group); what is read here is exempt from that.
    """
    if db.engine.kind == "galera":
        found = _status(db)
        status, ready = found.get("wsrep_cluster_status", "unknown"), found.get("wsrep_ready")
        told = f"this node is cut off from its cluster (wsrep_cluster_status is {status}, wsrep_ready {ready})"
        return None if (status, ready) == ("Primary", "ON") else told
    members = _members(db)
    return _out_of_group(members) if members is not None else None


def _status(db: Database) -> dict[str, str]:
    names = "('wsrep_cluster_status', 'wsrep_ready', 'wsrep_local_state_comment')"
    rows = db.rows(f"SHOW GLOBAL STATUS WHERE Variable_name IN {names}")
    return {str(row["Variable_name"]): str(row["Value"]) for row in rows}


_MEMBERS = "SELECT MEMBER_ID, MEMBER_STATE, MEMBER_ROLE, MEMBER_ID = @@server_uuid AS own FROM performance_schema.replication_group_members"


def _members(db: Database) -> list[Row] | None:
    """Those of this server's group; None where it is in none, or this account may not see them."""
    if db.engine.kind not in GROUPS:
        return None
    try:
        return db.rows(_MEMBERS)
    except Forbidden:
        return None


def _out_of_group(members: list[Row]) -> str | None:
    own = next((row for row in members if row["own"]), None)
    if own is None:
        return "this server has left its group, or not joined it yet: what is written here stays here, and keeps it out"
    if own["MEMBER_STATE"] != "ONLINE":
        return f"this member of its group is {own['MEMBER_STATE']}"
    gone = sum(row["MEMBER_STATE"] == "UNREACHABLE" for row in members)
    if 2 * gone >= len(members):
        return f"{gone} of the group's {len(members)} members can't be reached: the rest has no majority, and a COMMIT would wait"
    return None
