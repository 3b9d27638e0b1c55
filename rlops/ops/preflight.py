"""Whether the shop's own tables can carry the three: what is checked before migrate creates anything."""

from __future__ import annotations

from collections.abc import Iterable

from rlops.db import Database
from rlops.errors import Refused
from rlops.ops.declared import Declared
from rlops.sqlfiles import SqlFolder, quote
from rlops.structure import Column, ForeignKey, Other, Table, normalise, read_table

WHOLE_KEY = "restrict_fk_on_non_standard_key"  # ON from MySQL 8.4 on: the parent's key has no other columns (6125)
CHECKS_EACH_WRITE = "group_replication_enforce_update_everywhere_checks"


def check_parents(db: Database, wanted: Iterable[Declared]) -> None:
    """Check every parent that the tables' foreign keys refer to. Raises Refused with the first thing that is wrong."""
    for declared in wanted:
        table = normalise(declared.table, db.family)
        for key in table.foreign_keys:
            _check_parent(db, table, key)


def check_group(db: Database, wanted: Iterable[Declared]) -> None:
    """Check that a group's members will take rows of the tables. Raises Refused with the first that they won't.

    A multi-primary group may be told to check each write, and then refuses a table with a cascading foreign key: not
    its CREATE, but each of its rows (3098).
    """
    keys = [key for declared in wanted for key in declared.table.foreign_keys]
    cascading = next((key for key in keys if "CASCADE" in (key.on_delete, key.on_update)), None)
    row = db.row(f"SHOW GLOBAL VARIABLES LIKE '{CHECKS_EACH_WRITE}'") if cascading else None
    if cascading and row and row["Value"] == "ON":
        _refuse(
            f"{CHECKS_EACH_WRITE} is ON: the group would take no row of a table whose foreign key to"
            f" {cascading.ref_table} cascades",
            "Nothing was changed. Have it OFF on every member, which then has to leave the group and join it again.",
            "group_refuses_cascades",
        )


def check_names(db: Database, sql: SqlFolder, wanted: Iterable[Declared]) -> None:
    """Check that no other table has a key of a name that is about to be given. Raises Refused with the first that has.

    Names of foreign keys are one to a schema (1826; MariaDB: errno 121). An account that may not see the other table
    learns it from the server, when the table is created.
    """
    owners = {key.name: declared.table.name for declared in wanted for key in declared.table.foreign_keys if key.name}
    if not owners:
        return
    statement = sql.statement("migrate/040_taken_names", values={"schema": db.schema, "names": list(owners)})
    for row in db.rows(statement.sql, statement.values):
        if owners.get(row["name"]) == row["table_name"]:
            continue  # another run has just created it
        _refuse(
            f"{row['table_name']} has a foreign key of the name {row['name']}, which is to be given to another",
            f"Rename that key, or the declared one in a folder of your own (--sql-dir); {quote(row['table_name'])} was not touched.",
            "name_taken",
        )


def _check_parent(db: Database, child: Table, key: ForeignKey) -> None:
    where = f"{child.name}({', '.join(key.columns)}) refers to {key.ref_table}({', '.join(key.ref_columns)})"
    live = read_table(db, key.ref_table)
    if live is None:
        _refuse(
            f"{where}, but {db.schema} has no table {key.ref_table}",
            "Point rlops at the shop's schema with --database.",
            "no_parent",
        )
        return
    if isinstance(live, Other):
        _refuse(
            f"{where}, but {key.ref_table} is a {live.kind}, which no foreign key can refer to",
            "",
            "parent_not_a_table",
        )
        return
    parent = normalise(live, db.family)
    if db.family != "oceanbase" and (parent.engine or "").lower() != "innodb":
        _refuse(
            f"{where}, but {key.ref_table} is a {parent.engine} table; foreign keys need InnoDB", "", "parent_engine"
        )
    columns = {column.name.lower(): column for column in parent.columns}
    for own_name, parent_name in zip(key.columns, key.ref_columns, strict=True):
        own = next(column for column in child.columns if column.name.lower() == own_name.lower())
        _check_type(where, key.ref_table, own, columns.get(parent_name.lower()))
    wanted = tuple(name.lower() for name in key.ref_columns)
    whole = (db.row(f"SHOW VARIABLES LIKE '{WHOLE_KEY}'") or {}).get("Value") == "ON"
    usable = [index for index in parent.indexes if (index.primary or index.unique) and index.covers(wanted)]
    if not any(len(index.parts) == len(wanted) or not whole for index in usable):
        listed = ", ".join(map(quote, key.ref_columns))
        needed = f"of just {listed} ({WHOLE_KEY})" if whole else f"that starts with {listed}"
        _refuse(f"{where}, but {key.ref_table} has no primary or unique key {needed}", "", "parent_index")


def _check_type(where: str, parent: str, own: Column, other: Column | None) -> None:
    if other is None:
        _refuse(f"{where}, but {parent} has no such column", "", "parent_column")
    elif other.type.lower() != own.type.lower():
        _refuse(
            f"{where}, but {parent}.{other.name} is {other.type}; a foreign key needs exactly {own.type}",
            f"Change the declared type of {own.name} in a folder of your own (--sql-dir), or the shop's column.",
            "parent_type",
        )


def _refuse(message: str, hint: str, code: str) -> None:
    raise Refused(message, hint or "Nothing was changed.", code)
