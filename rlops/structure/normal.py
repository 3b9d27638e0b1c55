"""Gives a declared and a live table one form, by the rules of the engine that they live on."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from rlops.structure.model import Column, ForeignKey, Index, Partitioning, Table
from rlops.structure.parts import CLUSTERING

_TYPE = re.compile(r"(?P<base>\w+)(?:\((?P<arguments>.*)\))?(?P<flags>[ \w]*)$", re.DOTALL)
_ALIASES = {
    "bool": "tinyint(1)",
    "boolean": "tinyint(1)",
    "integer": "int",
    "int1": "tinyint",
    "int2": "smallint",
    "int3": "mediumint",
    "int4": "int",
    "int8": "bigint",
    "middleint": "mediumint",
    "dec": "decimal",
    "numeric": "decimal",
    "fixed": "decimal",
    "real": "double",
    "float4": "float",
    "float8": "double",
    "character": "char",
    "varcharacter": "varchar",
    "long": "mediumtext",
}
# The width that ZEROFILL has when none is given.
_INTEGERS = {"tinyint": "3", "smallint": "5", "mediumint": "8", "int": "10", "bigint": "20"}
_NUMBERS = {*_INTEGERS, "decimal", "float", "double"}
_LONG = {"tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob"}
_STRINGS = {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"}
_TEMPORAL = {"date", "datetime", "timestamp", "time"}
_DEFAULT_ARGUMENTS = {"decimal": "10,0", "char": "1", "binary": "1", "bit": "1"}
_MEANINGLESS_ARGUMENTS = {("year", "4"), ("datetime", "0"), ("timestamp", "0"), ("time", "0")}

_COLLATIONS = {
    "latin1": "latin1_swedish_ci",
    "dec8": "dec8_swedish_ci",
    "swe7": "swe7_swedish_ci",
    "hp8": "hp8_english_ci",
    "big5": "big5_chinese_ci",
    "gbk": "gbk_chinese_ci",
    "gb2312": "gb2312_chinese_ci",
    "gb18030": "gb18030_chinese_ci",
    "euckr": "euckr_korean_ci",
    "sjis": "sjis_japanese_ci",
    "cp932": "cp932_japanese_ci",
    "ujis": "ujis_japanese_ci",
    "eucjpms": "eucjpms_japanese_ci",
    "tis620": "tis620_thai_ci",
    "binary": "binary",
}
# Values that say what the server does anyway. An encryption that nobody declared is the server's policy.
_SILENT_OPTIONS = {
    "ENCRYPTION": None,
    # Aria's, which InnoDB carries along unread.
    "PAGE_CHECKSUM": None,
    "TABLESPACE": {"innodb_file_per_table"},
    "COMPRESSION": {"", "none"},
    # MariaDB writes ON where innodb_compression_default made it so, and what was typed where a person did.
    "PAGE_COMPRESSED": {"on", "0", "off", "no", "default"},
    "ENCRYPTED": {"no", "0", "default"},
    "STATS_PERSISTENT": {"default"},
    "STATS_AUTO_RECALC": {"default"},
    "STATS_SAMPLE_PAGES": {"default"},
    "PACK_KEYS": {"default"},
    "KEY_BLOCK_SIZE": {"0"},
    # TiDB's: a counter, what is done once when the table is made, and how often a TTL is looked at.
    "AUTO_RANDOM_BASE": None,
    "PRE_SPLIT_REGIONS": None,
    "TTL_JOB_INTERVAL": None,
    "TTL_ENABLE": {"on"},
}  # fmt: skip


def normalise(table: Table, family: str) -> Table:
    """The table as this family of engines ("mysql", "mariadb", "oceanbase", "tidb") means it."""
    charset, collation = _collation(table.charset, table.collation, family)
    table = replace(table, charset=charset, collation=collation, options=_options(table, family))
    if family == "oceanbase":
        table = replace(table, engine=None, row_format=None)
    if family == "mariadb":
        table = _json(table)
    return replace(
        table,
        columns=tuple(_column(column, table, family) for column in table.columns),
        indexes=tuple(_index(index, table) for index in table.indexes),
        foreign_keys=tuple(_foreign_key(key) for key in table.foreign_keys),
        row_format=(table.row_format or "DEFAULT").upper() if family != "oceanbase" else None,
        partitioning=table.partitioning and _partitioning(table.partitioning),
    )


def complete(declared: Table, live: Table) -> Table:
    """The declared table with what a server adds by itself: NULL defaults, NOT NULL keys, unsaid collations."""
    keys = {part.column.lower() for index in declared.indexes if index.primary for part in index.parts}
    living = {column.name.lower(): column for column in live.columns}
    columns = []
    for column in declared.columns:
        null = column.null and column.name.lower() not in keys and "AUTO_INCREMENT" not in column.extra
        default = "null" if null and column.default is None and not column.generated else column.default
        there = living.get(column.name.lower())
        collation = column.collation
        if column.charset and not collation and there and there.charset == _modern(column.charset):
            collation = there.collation
        columns.append(replace(column, null=null, default=default, collation=collation))
    charset, collation = declared.charset, declared.collation
    if not collation and (not charset or _modern(charset) == live.charset):
        charset, collation = live.charset, live.collation
    indexes = tuple(_stored(each, live) for each in declared.indexes)
    return replace(declared, columns=tuple(columns), indexes=indexes, charset=charset, collation=collation)


def _stored(index: Index, live: Table) -> Index:
    """A primary key that says nothing of how it is stored is stored as TiDB's setting was on that day."""
    if not index.primary or set(index.options) & set(CLUSTERING):
        return index
    found = (option for each in live.indexes if each.primary for option in each.options if option in CLUSTERING)
    return replace(index, options=tuple(sorted((*index.options, *found))))


def _modern(name: str) -> str:
    return "utf8mb3" if name == "utf8" else re.sub(r"^utf8_", "utf8mb3_", name)


def _collation(charset: str | None, collation: str | None, family: str) -> tuple[str | None, str | None]:
    charset = _modern(charset) if charset else None
    if not collation:
        if not charset:
            return None, None
        modern = "utf8mb4_0900_ai_ci" if (charset, family) == ("utf8mb4", "mysql") else f"{charset}_general_ci"
        if family == "tidb" and charset not in ("gbk", "gb18030"):
            return charset, charset if charset == "binary" else f"{charset}_bin"
        return charset, _COLLATIONS.get(charset, modern)
    if collation.startswith("uca1400_"):
        # MariaDB takes the short name, and shows it with its character set.
        collation = f"{charset or 'utf8mb4'}_{collation}"
    collation = _modern(collation)
    return collation.split("_", maxsplit=1)[0], collation


def _options(table: Table, family: str) -> tuple[tuple[str, str], ...]:
    if family == "oceanbase":
        # SHOW CREATE TABLE prints a dozen options of the store there, none of them declared.
        return ()
    kept = []
    for name, value in table.options:
        silent = _SILENT_OPTIONS.get(name, set())
        if silent is not None and value.lower() not in silent:
            kept.append((name, value))
    return tuple(kept)


def _json(table: Table) -> Table:
    """MariaDB's JSON is LONGTEXT with a check, which a person can drop: with it the column is JSON, without it not."""
    # A column's own check goes before one that somebody added to the table.
    own_last = sorted(table.checks, key=lambda check: check.column is not None)
    checks = {check.expression: check for check in own_last if check.enforced}
    columns, used = [], []
    for column in table.columns:
        check = checks.get(f"json_valid({column.name.lower()})")
        json = column.type == "json" or (check is not None and column_type(column.type) == "longtext")
        if json and check:
            used.append(check)
        columns.append(replace(column, type="json") if json else column)
    return replace(table, columns=tuple(columns), checks=tuple(each for each in table.checks if each not in used))


def _column(column: Column, table: Table, family: str) -> Column:
    kind = column_type(column.type)
    base = kind.split("(", maxsplit=1)[0].split(" ")[0]
    charset, collation = None, None
    if base in _STRINGS:
        charset, collation = _collation(column.charset, column.collation, family)
        charset, collation = (charset, collation) if collation else (table.charset, table.collation)
    elif base == "json" and family == "mariadb":
        charset, collation = _collation(column.charset, column.collation, family)
        collation = collation or "utf8mb4_bin"
    default = column.default
    if default is None and base in _LONG and column.null and not column.generated:
        # MySQL shows no DEFAULT NULL for these.
        default = "null"
    return replace(
        column,
        type=kind,
        charset=charset,
        collation=collation,
        default=_default(default, base),
        on_update=_now(column.on_update),
    )


def column_type(text: str) -> str:
    """The type as every engine means it: aliases resolved, display widths gone, except tinyint(1) and ZEROFILL."""
    match = _TYPE.match(text)
    if not match:
        return text
    base, arguments, flags = match["base"], match["arguments"], match["flags"]
    alias = _TYPE.match(_ALIASES.get(base, base))
    if alias:
        base, arguments = alias["base"], arguments or alias["arguments"]
    if "zerofill" in flags:
        arguments, flags = arguments or _INTEGERS.get(base), " unsigned zerofill"
    if base == "decimal" and arguments and "," not in arguments:
        arguments += ",0"
    if base in _INTEGERS and "zerofill" not in flags and (base, arguments, flags) != ("tinyint", "1", ""):
        arguments = None
    if base == "float" and arguments and "," not in arguments:
        base, arguments = ("float" if int(arguments) <= 24 else "double"), None
    if (base, arguments) in _MEANINGLESS_ARGUMENTS:
        arguments = None
    arguments = arguments or _DEFAULT_ARGUMENTS.get(base)
    return base + (f"({arguments})" if arguments else "") + flags


def _default(value: str | None, base: str) -> str | None:
    if value is None or value == "null":
        return value
    inside = value[1:-1] if value.startswith("'") else value
    if base in _NUMBERS:
        return _number(value, inside)
    if base == "bit" and inside.isdigit():
        return f"b'{int(inside):b}'"
    if base in _STRINGS and re.fullmatch(r"-?[\d.]+", value):
        return f"'{value}'"
    if base in _TEMPORAL and value.startswith("'"):
        return f"'{_instant(inside)}'"
    return _now(value)


def _number(value: str, inside: str) -> str:
    try:
        # Servers pad to the column's scale, which is compared with its type.
        return f"{Decimal(inside).normalize():f}"
    except InvalidOperation:
        return value


def _instant(text: str) -> str:
    text = re.sub(r"\.0*$", "", text)
    return re.sub(r" 00:00:00$", "", text)


def _now(value: str | None) -> str | None:
    return value and value.replace("current_timestamp(0)", "current_timestamp()")


def _index(index: Index, table: Table) -> Index:
    silent = ["BLOCK_SIZE="]
    if (table.engine or "").lower() == "innodb":
        # InnoDB ignores a block size for one index; MariaDB leaves it behind when the table's is taken back.
        silent.append("KEY_BLOCK_SIZE=")
        # MariaDB repeats USING HASH, but InnoDB makes a B-tree of it unless the index is unique and too long for one.
        silent += [] if index.unique else ["USING HASH"]
    return replace(index, options=tuple(option for option in index.options if not option.startswith(tuple(silent))))


def _foreign_key(key: ForeignKey) -> ForeignKey:
    return replace(
        key,
        columns=tuple(name.lower() for name in key.columns),
        ref_columns=tuple(name.lower() for name in key.ref_columns),
    )


def _partitioning(partitioning: Partitioning) -> Partitioning:
    partitions = tuple(
        replace(each, values=re.sub(r"'([\d-]+) 00:00:00(?:\.0+)?'", r"'\1'", each.values))
        for each in partitioning.partitions
    )
    return replace(partitioning, partitions=partitions)
