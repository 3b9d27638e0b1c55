"""The least privileges that each command needs, and which of them this session's account lacks.

Measured by running each command as an account that holds exactly these (tests/integration/test_doctor.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rlops import engines, journal, lease, privileges, sqlfiles, standing
from rlops.db import Damaged, Database, Forbidden
from rlops.errors import Denied
from rlops.holdings import GRANT_OPTION, Account, Holdings
from rlops.ops import declared
from rlops.ops.partition import definer, hold
from rlops.sqlfiles import SqlFolder, quote

Place = tuple[str | None, str | None]
Lacking = dict[Place, list[str]]
MEMBERS = ("replication_group_members", "replication_group_member_stats")
TRIGGERED: tuple[engines.Family, ...] = ("mysql", "mariadb", "oceanbase")


@dataclass(frozen=True)
class Need:
    """Privileges on each object of a kind.

    `on`: "tables" (the three), "interactions", "parents", "schema" (backups have a time in their names), "own" (rlops'
    tables), "journal", "jobs", "lease" and "snapshot" (some of those), "members" (where MySQL is one of a group), "server", or
    another schema's name or SCHEMA.TABLE. An optional need only makes the command tell more.
    """

    privileges: tuple[str, ...]
    on: str
    why: str
    optional: bool = False
    families: tuple[engines.Family, ...] = ("mysql", "mariadb", "oceanbase", "tidb")


_REPLICA = "see whether this server is a replica, which is never written to"
_STANDING = (
    *(Need((word,), "server", _REPLICA, True, (family,)) for family, word in standing.SEES_SOURCES.items()),
    Need(("SELECT",), "members", "see the members of the group", families=("mysql",)),
)
_JOURNAL = (
    Need(("CREATE", "SELECT", "INSERT", "UPDATE"), "own", "keep the journal"),
    Need(("DELETE",), "journal", "remove runs that are older than the journal's retention", optional=True),
    *_STANDING,
)
_PACE = (
    Need(("PROCESS",), "server", "see whether replicas are connected (else production wants --replica), and the history list",
         optional=True, families=("mysql",)),
)  # fmt: skip
_READ = Need(("SELECT",), "tables", "look at the tables")
_BLOCKERS = Need(("PROCESS",), "server", "say who holds a lock", optional=True)
_OTHERS_GRANTS = (
    Need(("SELECT",), "mysql.user", "see what the application account holds", families=("mysql", "oceanbase")),
    Need(("SELECT",), "mysql", "see what the application account holds", families=("mariadb", "tidb")),
)

_PARENTS = (
    Need(("SELECT",), "parents", "see whether they can be referred to"),
    # MariaDB takes any other privilege on the parent for it.
    Need(("REFERENCES",), "parents", "refer to them by foreign keys", families=("mysql", "oceanbase", "tidb")),
)
_GRANT = (
    Need(("SELECT", "INSERT", "UPDATE", "DELETE", GRANT_OPTION), "tables", "pass them on"),
    *_OTHERS_GRANTS, *_JOURNAL,
)  # fmt: skip
_VERIFY = (
    _READ,
    *(replace(need, optional=True) for need in _OTHERS_GRANTS),
    Need(("TRIGGER",), "tables", "see their triggers", optional=True, families=TRIGGERED),
)
_MIGRATE = (
    Need(("CREATE", "SELECT"), "tables", "create and look"),
    *_PARENTS, *_JOURNAL, _BLOCKERS,
)  # fmt: skip
_MONITOR = (
    _READ,
    Need(("SELECT",), "snapshot", "tell growth and evidence from what was recorded", optional=True),
    Need(("SELECT",), "parents", "find rows without a parent", optional=True),
    Need(("TRIGGER",), "tables", "see their triggers", optional=True, families=TRIGGERED),
    Need(("TRIGGER",), "parents", "see their triggers", optional=True, families=TRIGGERED),
    Need(("PROCESS",), "server", "sizes on disk, transactions, lock waits, undo", optional=True, families=("mysql", "mariadb", "tidb")),
    Need(("SELECT",), "performance_schema", "index usage, statements", optional=True, families=("mysql", "mariadb")),
    Need(("SELECT",), "mysql.innodb_index_stats", "sizes of indexes", optional=True, families=("mysql", "mariadb")),
    *(replace(need, why="see whether a trigger's definer lives", optional=True) for need in _OTHERS_GRANTS),
    Need(("SELECT",), "oceanbase", "sizes on disk, statements, transactions", optional=True, families=("oceanbase",)),
    Need(("REPLICATION CLIENT",), "server", "replication", optional=True, families=("mysql",)),
    Need(("BINLOG MONITOR", "SLAVE MONITOR"), "server", "replication", optional=True, families=("mariadb",)),
)  # fmt: skip

_INTERACTIONS = Need(("SELECT",), "interactions", "read the rows")

# What the table's own triggers do, and what changes its form. Binlogging servers also want SUPER or a setting (1419).
_REBUILD = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX", "TRIGGER")
_FORM = (
    Need(_REBUILD, "interactions", "rebuild it, with the triggers that keep its integrity", families=TRIGGERED),
    Need(tuple(word for word in _REBUILD if word != "TRIGGER"), "interactions", "rebuild it", families=("tidb",)),
    Need(("SELECT", "TRIGGER"), "parents", "put integrity triggers on them", families=("mysql", "mariadb")),
)  # fmt: skip
_ONLINE = Need(
    _REBUILD,
    "schema",
    "keep a second table equal, and let it take the first one's place",
    families=("mysql", "mariadb"),
)
_PARTITIONS = (
    Need(("SELECT", "INSERT", "CREATE", "DROP", "ALTER"), "interactions", "read, make and drop its partitions"),
    *_JOURNAL, _BLOCKERS,
)  # fmt: skip

# What a command needs with an option is a line of its own.
NEEDS: dict[str, tuple[Need, ...]] = {
    "migrate": _MIGRATE,
    "migrate --partitioned": (*_MIGRATE, *_FORM),
    "migrate --fresh": (*_MIGRATE, Need(("DROP",), "tables", "drop them first")),
    "grant": _GRANT,
    "grant --create-user": (*_GRANT, Need(("CREATE USER",), "server", "create the application account")),
    "verify": _VERIFY,
    "verify --smoke": (
        *_VERIFY,
        Need(("INSERT",), "tables", "try rows"),
        Need(("SELECT",), "parents", "find a user and a product"),
    ),
    "verify --data": (
        *_VERIFY,
        Need(("SELECT",), "parents", "find rows without a parent"),
        Need(("SELECT",), "own", "know which models there were", optional=True),
    ),
    "rollback": (
        Need(("DROP",), "tables", "rename them"),
        Need(("SELECT", "ALTER", "CREATE", "INSERT"), "schema", "rename to backups, drop their keys, count their rows"),
        # One that is not seen and names a table makes every statement that fires it fail once that table is renamed.
        Need(("TRIGGER",), "schema", "see triggers that name the tables", families=("mysql", "mariadb")),
        *_JOURNAL, _BLOCKERS,
        Need(("EVENT",), "schema", "see events that name the tables", optional=True, families=("mysql", "mariadb")),
        Need(("SHOW_ROUTINE",), "server", "see procedures that name the tables", optional=True, families=("mysql",)),
        *(replace(need, why="keep the grants in the manifest", optional=True) for need in _OTHERS_GRANTS),
    ),
    "backups": (Need(("SELECT",), "schema", "see and count the backups"),),
    "backups prune": (Need(("SELECT", "DROP"), "schema", "drop backups"), *_JOURNAL, _BLOCKERS),
    "restore": (
        Need(("SELECT", "ALTER", "DROP", "CREATE", "INSERT", "DELETE"), "schema", "rename backups, set rows aside"),
        *_PARENTS, *_JOURNAL, _BLOCKERS,
        Need(("TRIGGER",), "schema", "see triggers that a merge fires", optional=True, families=("mysql", "mariadb")),
        *(replace(need, why="compare the grants with the manifest", optional=True) for need in _OTHERS_GRANTS),
    ),
    "partition status": (Need(("SELECT",), "interactions", "read its partitions"),),
    "partition enable": (_ONLINE, *_FORM, *_JOURNAL, *_PACE, _BLOCKERS),
    "partition disable": (_ONLINE, *_FORM, *_PARENTS, *_JOURNAL, *_PACE, _BLOCKERS),
    "partition cut-over": (_ONLINE, *_FORM, *_PARENTS, *_JOURNAL, _BLOCKERS),
    "partition finish": (_ONLINE, *_FORM, *_JOURNAL, _BLOCKERS),
    "jobs abort": (_ONLINE, *_FORM, *_JOURNAL, _BLOCKERS),
    "partition ensure": _PARTITIONS,
    "partition ensure --drain": (_ONLINE, *_FORM, *_JOURNAL, *_PACE, _BLOCKERS),
    "partition expire": (
        Need(hold.RIGHTS, "schema", "exchange a month with a hold table, and drop it while writers are held back"),
        *_JOURNAL, *_PACE, _BLOCKERS,
    ),
    "archive run": (_INTERACTIONS, *_JOURNAL),
    "archive restore": (
        Need(("SELECT", "INSERT", "DELETE"), "interactions", "compare the rows, and put them back"),
        Need(("SELECT", "CREATE", "INSERT", "DELETE"), "schema", "a table of their own, users and products that exist"),
        *_JOURNAL, *_PACE,
    ),
    "archive erase": (
        Need(("SELECT", "DELETE"), "schema", "look through backups and other tables beside the three, and erase rows"),
        Need(("SELECT",), "parents", "see which users and products are gone"),
        *_JOURNAL, *_PACE, _BLOCKERS,
    ),
    "archive list": (Need(("SELECT",), "own", "read the record of its parts"),),
    "archive verify": (Need(("SELECT",), "own", "read the record of its parts"),),
    "cleanup": (
        Need(("SELECT", "DELETE"), "interactions", "find, archive and delete expired rows"), *_JOURNAL, *_PACE, _BLOCKERS,
        Need(hold.RIGHTS, "schema", "take months out of a partitioned table whole", optional=True, families=("mysql", "mariadb")),
    ),
    "purge": (Need(("SELECT", "DELETE"), "interactions", "find, archive if so wished, and delete the rows"), *_JOURNAL, *_PACE, _BLOCKERS),
    "jobs": (
        Need(("SELECT",), "own", "see the jobs and their runs"),
        Need(("UPDATE",), "jobs", "ask something of them"),
        *_STANDING,
    ),
    "monitor": _MONITOR,
    "monitor --record": (
        *_MONITOR, *_STANDING,
        Need(("CREATE", "SELECT", "INSERT", "DELETE"), "snapshot", "keep and thin what was measured"),
    ),
    "history": (Need(("SELECT",), "own", "read the journal"),),
    "uninstall": (
        Need(("SELECT", "DROP"), "own", "remove rlops' own tables"),
        Need(("UPDATE",), "journal", "settle what a run that died left open"),
        Need(("CREATE", "SELECT", "INSERT", "UPDATE"), "lease", "hold the run lock"),
        *_STANDING,
    ),
    "seed": (Need(("SELECT", "INSERT"), "tables", "write rows"), Need(("SELECT",), "parents", "users and products that exist"), *_JOURNAL),
}  # fmt: skip
_MAINTAINED = ("archive run", "cleanup", "archive erase", "verify --data", "monitor --record")
_AHEAD = (replace(need, why="keep partitions ahead", optional=True) for need in NEEDS["partition ensure"])
NEEDS["maintain"] = tuple(dict.fromkeys((*(need for command in _MAINTAINED for need in NEEDS[command]), *_AHEAD)))

MORE_TRIGGERS = ("partition disable", "partition ensure --drain")  # on a table that has some already
DEVELOPMENT = ("migrate --fresh", "seed")
WRITING = (
    "migrate", "grant", "rollback", "restore", "backups prune", "archive run", "archive restore", "archive erase", "cleanup", "purge",
    "uninstall", "seed", "partition enable", "partition disable", "partition cut-over", "partition finish", "jobs abort",
    "partition ensure", "partition ensure --drain", "partition expire",
)  # fmt: skip


def commands(environment: str) -> list[str]:
    """The commands, each with its options of its own line, that may run in that environment."""
    return [name for name in NEEDS if environment == "development" or name not in DEVELOPMENT]


def missing(db: Database, command: str, holdings: Holdings, sql: SqlFolder | None = None) -> list[str]:
    """The privileges that a command needs and the holdings lack, such as "CREATE on `shop`.`rlops_run`".

    `sql` is the folder in use; without it the one that came with rlops names the tables and their parents.
    """
    return texts(lacking(db, needs(command, db), holdings, sql))


def check(db: Database, command: str, sql: SqlFolder | None = None) -> Denied | None:
    """What is wrong, with the GRANT to run, when this session's account lacks what the command needs."""
    holdings = privileges.own(db)
    return denied(db, command, lacking(db, needs(command, db), holdings, sql), holdings)


def denied(db: Database, command: str, found: Lacking, holdings: Holdings) -> Denied | None:
    """The refusal of a command whose account lacks this; None when it lacks nothing."""
    if not found:
        return None
    account = privileges.current(db)
    return Denied(
        f"{account} lacks what `rlops {command}` needs: {'; '.join(texts(found))}. Nothing was changed",
        "An administrator runs:\n" + statements(found, account, holdings), "missing_privileges",
    )  # fmt: skip


def needs(command: str, db: Database, *, optional: bool = False) -> list[Need]:
    """The needs of a command on this engine: those that it can't do without, or the optional ones."""
    found = [need for need in NEEDS[command] if need.optional == optional and db.family in need.families]
    if command in MORE_TRIGGERS and not optional and _run_as_another(db):
        found.append(
            Need((definer.setting(db),), "server", "make more triggers that run as the account of those that are there")
        )
        found.append(Need((GRANT_OPTION,), "schema", "let that account write to a second table"))
    return found


def _run_as_another(db: Database) -> bool:
    try:
        known = definer.recorded(db)
    except (Forbidden, Damaged):
        return False  # what is in the way of reading that is said elsewhere
    return known is not None and known.dedicated


def lacking(db: Database, wanted: Iterable[Need], holdings: Holdings, sql: SqlFolder | None = None) -> Lacking:
    """What the holdings lack of these needs, by object."""
    found: Lacking = {}
    for need in wanted:
        for schema, table in _places(db, need.on, sql):
            for privilege in need.privileges:
                if not holdings.has(privilege, schema, table):
                    listed = found.setdefault((schema, table), [])
                    listed += [] if privilege in listed else [privilege]
    # What is lacking on the whole schema covers its tables.
    for (schema, table), words in found.items():
        if table:
            left = [word for word in words if word not in found.get((schema, None), ())]
            # A GRANT on a table that isn't there yet fails unless it gives CREATE.
            words[:] = ["CREATE", *left] if left and "CREATE" in words and "CREATE" not in left else left
    return {place: words for place, words in found.items() if words}


def texts(found: Lacking) -> list[str]:
    """What is lacking, for people."""
    return [f"{', '.join(words)} on {_object(schema, table)}" for (schema, table), words in found.items()]


def statements(found: Lacking, account: Account, holdings: Holdings) -> str:
    """The GRANT statements that give it, one a line."""
    lines = []
    for (schema, table), words in found.items():
        listed = ", ".join(word for word in words if word != GRANT_OPTION) or "USAGE"
        on = _object(holdings.pattern(schema) if schema and not table else schema, table)
        option = " WITH GRANT OPTION" if GRANT_OPTION in words else ""
        lines.append(f"GRANT {listed} ON {on} TO {account}{option};")
    return "\n".join(lines)


def _object(schema: str | None, table: str | None) -> str:
    return "*.*" if schema is None else f"{quote(schema)}.{quote(table) if table else '*'}"


def _places(db: Database, on: str, sql: SqlFolder | None) -> list[Place]:
    if on == "server":
        return [(None, None)]
    if on == "schema":
        return [(db.schema, None)]
    if on == "own":
        return [*((db.schema, name) for name in journal.TABLES), *_places(db, "lease", sql)]
    if on == "journal":
        return [(db.schema, name) for name in ("rlops_run", "rlops_step", "rlops_job")]
    if on == "jobs":
        return [(db.schema, "rlops_job")]
    if on == "snapshot":
        return [(db.schema, "rlops_snapshot")]
    if on == "lease":
        return [(db.schema, lease.TABLE)] if db.engine.can.run_lock == "lease" else []
    if on == "members":  # only in a group is MySQL's run lock a lease
        return [("performance_schema", table) for table in MEMBERS] if db.engine.can.run_lock == "lease" else []
    if on == "interactions":
        return [(db.schema, declared.INTERACTIONS)]
    if on in ("tables", "parents"):
        tables = declared.tables(sql or sqlfiles.load(None, db.family))
        if on == "tables":
            return [(db.schema, each.table.name) for each in tables]
        keys = (key for each in tables for key in each.table.foreign_keys)
        return list(dict.fromkeys((key.ref_schema or db.schema, key.ref_table) for key in keys))
    schema, _, table = on.partition(".")
    return [(schema, table or None)]
