"""Which archive this installation writes to, and whether that archive is this installation's."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from rlops import engines, journal, lock
from rlops.archive import manifest, parts, sealed
from rlops.archive.manifest import FORMAT
from rlops.archive.parquet import Damaged
from rlops.archive.store import Store, open_store
from rlops.db import Database, ServerError
from rlops.errors import Refused

ROOT_FILE = "_rlops-archive.json"
RECORDED = "archive_destination"
# What tells a server from one that was made from a copy of its data. A clone of the files has the same server_uuid.
IDENTITY = ("server_uuid", "server_uid", "hostname", "port", "datadir")
MEMBERS, SCHEMA = "members", "schema"
_GROUP = {
    "group": "SELECT @@GLOBAL.group_replication_group_name",
    MEMBERS: "SELECT GROUP_CONCAT(MEMBER_HOST, ':', MEMBER_PORT ORDER BY 1) FROM performance_schema.replication_group_members",
}
CLUSTER: Mapping[engines.Kind, Mapping[str, str]] = {
    "galera": {
        "cluster": "SHOW GLOBAL STATUS LIKE 'wsrep_cluster_state_uuid'",
        MEMBERS: "SHOW GLOBAL STATUS LIKE 'wsrep_incoming_addresses'",
    },
    "group_replication": _GROUP,
    "multi_primary": _GROUP,
}


@dataclass(frozen=True)
class Place:
    """An archive, opened. `new` when nothing has been written there; `moved` when it is taken over from another server.

    `nameless` when its root file is an older rlops' that names no schema.
    """

    store: Store
    installation: str
    identity: Mapping[str, str]
    new: bool = False
    moved: bool = False
    nameless: bool = False

    @property
    def url(self) -> str:
        return self.store.url

    def claim(self) -> None:
        """Write the root file, where it is missing, names what the archive was taken over from, or names no schema."""
        known = sealed.dump({"format": FORMAT, "installation": self.installation, "server": dict(self.identity)})
        if not (self.new or self.moved or self.nameless) or self.store.sign == (ROOT_FILE, known):
            return
        found = self.store.text(ROOT_FILE)
        if self.new and found not in (None, known):
            self._refuse_taken()
        if found != known:  # else another part of this run has written it
            self.store.write_text(ROOT_FILE, known)
            if self.store.text(ROOT_FILE) != known:
                self._refuse_taken()
        self.store.sign = ROOT_FILE, known

    def _refuse_taken(self) -> NoReturn:
        raise Refused(
            f"the archive {self.url} was empty when this run began, and has become another installation's. Nothing was changed there",
            "Name another place.", "other_installation",
        )  # fmt: skip


def recorded(db: Database) -> str | None:
    """The destination on record."""
    return journal.recorded(db).get(RECORDED)


def identity(db: Database) -> dict[str, str]:
    """What tells this schema, and its server or its cluster, from a copy: every node of one writes to the same archive."""
    queries = CLUSTER.get(db.engine.kind) or {name: f"SELECT @@GLOBAL.{name}" for name in IDENTITY}
    found = {SCHEMA: lock.folded(db, db.schema)}
    for name, sql in queries.items():
        try:
            row = list((db.row(sql) or {"": ""}).values())
        except ServerError as error:
            if type(error) is not ServerError:
                raise
            continue
        found[name] = str(row[-1])
    return found


def _written_from(db: Database, store: Store) -> dict[str, str]:
    """The schema that the first readable manifest names, for a root file that names none; a copy has the original's parts."""
    for part in parts.all_parts(db):
        try:
            known = manifest.read(store, part.path)
        except Damaged:
            continue
        if known and (schema := known.source.get(SCHEMA)):
            return {SCHEMA: lock.folded(db, schema)}
    return {}


def _differing(known: Mapping[str, str], here: Mapping[str, str]) -> dict[str, str]:
    """What was said of the archive's server that isn't true of this one. Nodes of a cluster come and go, but not all at once."""
    other = {name: value for name, value in known.items() if here.get(name) != value}
    if set(other.get(MEMBERS, "").split(",")) & set(here.get(MEMBERS, "").split(",")) - {""}:
        del other[MEMBERS]
    return other


def installation(db: Database) -> str:
    """This installation's id. Raises Refused where rlops has recorded none."""
    known = journal.recorded(db).get("installation_id")
    if not known:
        raise Refused(
            f"rlops has not recorded an installation in {db.schema}, and an archive belongs to one. Nothing was changed",
            "`rlops migrate` records it, and adopts tables that are there.", "no_installation",
        )  # fmt: skip
    return known


def find(db: Database, wanted: str | None, *, moved: bool = False) -> Place | None:
    """The archive that is on record, or `wanted`; None when there is neither.

    Raises Refused when `wanted` isn't the one on record, or the archive is another installation's, another server's
    (both unless `moved`) or gone.
    """
    state = journal.recorded(db)
    known = state.get(RECORDED)
    if known and wanted and wanted != known and not moved:
        raise Refused(
            f"the archive of {db.schema} is {known}, and {wanted} is another place. Nothing was changed",
            f"Leave the destination out; or move the files there, then `rlops archive run --moved --to {shlex.quote(wanted)}`.",
            "other_destination",
        )  # fmt: skip
    url = wanted or known
    if not url:
        return None
    store, mine, here = open_store(url, lambda: lock.prove(db)), installation(db), identity(db)
    known_root = root(store)
    if known_root is None:
        # A run that died between the record and its first file has left nothing to miss.
        if known and any(part.state != parts.PLANNED for part in parts.all_parts(db)):
            raise Refused(
                f"the archive {url} has no {ROOT_FILE}: is it mounted, and is it the right place? Nothing was changed",
                "Mount it. Nothing is written to a place that isn't the archive.", "archive_gone",
            )  # fmt: skip
        return Place(store, mine, here, new=True)
    store.sign = ROOT_FILE, sealed.dump(known_root)
    if known_root.get("installation") != mine:
        raise Refused(
            f"the archive {url} belongs to another installation ({known_root.get('installation')}; this is {mine}). Nothing was changed",
            "Name another folder.", "other_installation",
        )  # fmt: skip
    said = known_root.get("server") or {}
    nameless = SCHEMA not in said
    other = _differing({**_written_from(db, store), **said} if nameless else said, here)
    if other and not moved:
        differs = ", ".join(f"{name} {value} there, {here.get(name)} here" for name, value in other.items())
        what = "schema" if other.keys() == {SCHEMA} else "server"
        raise Refused(
            f"the archive {url} was written from another {what} ({differs}): this may be a copy of it, and a copy must not"
            " write to the original's archive. Nothing was changed",
            f"If this {what} has taken the other's place, `rlops archive run --moved` takes it over. On a copy, name an archive"
            " of its own with --to after `DELETE FROM rlops_state WHERE name IN ('installation_id', 'archive_destination')`,"
            " `DELETE FROM rlops_part` and `rlops migrate`.", "other_server",
        )  # fmt: skip
    return Place(store, mine, here, moved=bool(other), nameless=nameless)


def root(store: Store) -> dict[str, Any] | None:
    """What the root file says; None if there is none. Raises Refused when it can't be understood."""
    text = store.text(ROOT_FILE)
    if text is None:
        return None
    try:
        return sealed.load(text)
    except ValueError as error:
        raise Refused(
            f"{ROOT_FILE} in {store.url} can't be understood ({error}). Nothing was changed",
            "It is JSON that the first `rlops archive run` writes; restore it from a copy.", "archive_root",
        ) from error  # fmt: skip
