"""The least privileges that each command needs: a table, which requirements.py compares with what an account holds.

Measured by running each command as an account that holds exactly these (tests/integration/test_doctor.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rlops import engines, standing
from rlops.holdings import GRANT_OPTION
from rlops.ops.partition import hold

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
