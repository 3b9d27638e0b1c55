"""What keeps the parents of interactions that come back partitioned: triggers, which serve a table under its own name only."""

from __future__ import annotations

from collections.abc import Sequence

from rlops import facts
from rlops.db import Database
from rlops.ops import declared, form
from rlops.ops.backups import orphans
from rlops.ops.backups.bring_back import Kept
from rlops.ops.backups.found import Backup
from rlops.ops.partition import convert, integrity
from rlops.plan import Step
from rlops.sqlfiles import SqlFolder
from rlops.structure import normalise


def steps(
    db: Database, sql: SqlFolder, backup: Backup, kept: Sequence[Kept], renames: Sequence[tuple[str, str]]
) -> list[Step]:
    """The triggers of interactions that come back partitioned, and the record of the form that they come back in."""
    name = next((backup for backup, table in renames if table == declared.INTERACTIONS), None)
    if name is None or db.engine.can.keys_on_partitions:
        return []
    live, known = next(each.live for each in kept if each.backup_table == name), form.recorded(db)
    which = form.PARTITIONED if live.partitioning else form.FOREIGN_KEYS
    if which == form.FOREIGN_KEYS:
        return convert.records(sql, which, form.FOREIGN_KEYS, None) if known.form == form.PARTITIONED else []
    described = backup.manifest.get(declared.INTERACTIONS, {}).get("triggers")
    if described is not None:
        had = any(each["name"].startswith(integrity.PREFIX) for each in described)
    elif known.form is None:  # `uninstall` has taken both away: what may have been guarded is
        had = db.engine.can.triggers and db.engine.can.locks_hold_all
    else:
        had = known.form == which and known.integrity == form.TRIGGERS
    if not had and known.form is None:
        return []
    if not had:
        return (
            [] if (known.form, known.integrity) == (which, form.NONE) else convert.records(sql, which, form.NONE, None)
        )
    found, by = integrity.enabling(db, sql, integrity.the_child(sql), on=name)
    same = known.form == which and known.integrity == form.TRIGGERS
    return found if same and not found else [*found, *convert.records(sql, which, form.TRIGGERS, by)]


def orphans_left(db: Database, sql: SqlFolder, there: Backup) -> list[Step]:
    """Rows of partitioned interactions without a parent, after a run that died between the rename and this."""
    each = integrity.the_child(sql)
    if each.table.name not in there.tables or not facts.is_partitioned(db, each.table.name):
        return []
    keys = normalise(each.table, db.family).foreign_keys
    if not any(orphans.lost(db, sql, each.table.name, key) for key in keys):
        return []
    return orphans.steps(db, sql, each.table.name, each.table.name, keys, backup_id=there.id, needed=True)
