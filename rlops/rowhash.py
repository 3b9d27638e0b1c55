"""An order-independent hash of a set of rows, as SQL for a live table's columns: what a copy is compared by.

A row's text is, for each column in its order, `N` for NULL or the length of its text in bytes, a colon and the text. The
first 32 hexadecimal digits of its SHA-256 are two unsigned 64-bit numbers; a set's hash is the XOR of each, beside the
number of rows. Exact for what `refusal` lets pass, in a session with time zone +00:00; no MD5, which FIPS forbids.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from rlops.sqlfiles import quote
from rlops.structure.model import Column

Kind = Literal["number", "time", "span", "text"]
REFUSED = {
    "float": "its text is shorter than its value",
    "double": "its text is shorter than its value",
    "real": "its text is shorter than its value",
    "bit": "servers and drivers write it in different ways",
}
SPATIAL = ("geometry", "point", "linestring", "polygon", "multi", "geom")
_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
_NUMBERS = (*_INTEGERS, "decimal", "year", "bit", "float", "double")
_TIMES = ("date", "datetime", "timestamp")
_TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json", "enum", "set")
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(_NUMBERS, "number"),
    **dict.fromkeys(_TIMES, "time"),
    **dict.fromkeys(_TEXTS, "text"),
    "time": "span",
}
BINARY = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector")


def refusal(columns: Sequence[Column]) -> str:
    """Why rows with these columns can't be compared exactly, naming the column; "" when they can."""
    for column in columns:
        kind = base(column)
        reason = REFUSED.get(kind) or ("it is no text" if kind.startswith(SPATIAL) else "")
        if reason:
            return f"{column.name} is {column.type}: {reason}"
    return ""


def base(column: Column) -> str:
    """The type's first word, in lower case: `bigint` of `bigint(20) unsigned`."""
    return re.split(r"[ (]", column.type.lower(), maxsplit=1)[0]


def text(column: Column, table: str = "", live: Column | None = None) -> str:
    """The SQL of one column's text: utf8mb4, or hexadecimal digits for binary strings. `table` qualifies it, quoted.

    `live` is the column as it is now, where the text is to be that of the same value in the type of `column`.
    """
    name = (table + "." if table else "") + quote(column.name)
    if live and live.type.lower() != column.type.lower() and (cast := _cast(column)):
        name = f"CAST({name} AS {cast})"
    if base(column) in BINARY:
        return f"CONVERT(HEX({name}) USING utf8mb4)"
    if "zerofill" in column.type.lower():
        # The zeros are for the eye; a reader of the rows gets the number.
        decimal = re.match(r"decimal\(\d+,\d+\)", column.type.lower())
        name = f"CAST({name} AS {decimal[0]})" if decimal else f"CAST({name} AS UNSIGNED)"
    return f"CONVERT({name} USING utf8mb4)"


def _cast(column: Column) -> str:
    """The type for CAST that holds each of its values; "" where only the column's own text tells them."""
    name, digits = base(column), re.search(r"\([\d,]+\)", column.type)
    if name in _INTEGERS:
        return "DECIMAL(20,0)"
    if name == "decimal" or name in _TIMES:
        return name.upper().replace("TIMESTAMP", "DATETIME") + (digits[0] if digits else "")
    return ""


def kind(column: Column) -> Kind | None:
    """What its values are; None for binary strings and what else there is."""
    return _KINDS.get(base(column))


def same(one: Column, table: str, other: Column, beside: str) -> str:
    """The SQL of whether two columns of the same kind, of tables with these aliases, have one value, byte for byte."""
    if kind(one) in ("number", "time", "span"):
        return f"{table}.{quote(one.name)} <=> {beside}.{quote(other.name)}"
    return f"CAST({text(one, table)} AS BINARY) <=> CAST({text(other, beside)} AS BINARY)"


def row_text(columns: Sequence[Column], table: str = "", live: Mapping[str, Column] | None = None) -> str:
    """The SQL of one row's unambiguous text; NULL if it passes max_allowed_packet. `live`: see `text`; by name, in lower case."""
    parts = []
    for column in columns:
        value = text(column, table, (live or {}).get(column.name.lower()))
        name = (table + "." if table else "") + quote(column.name)
        parts.append(f"IF({name} IS NULL, 'N', CONCAT(LENGTH({value}), ':', {value}))")
    return f"CONCAT({', '.join(parts)})"


def digest(columns: Sequence[Column], table: str = "") -> str:
    """The SQL of one row's SHA-256, in hexadecimal. Raises ValueError for columns that `refusal` refuses."""
    if reason := refusal(columns):
        raise ValueError(reason)
    return f"SHA2({row_text(columns, table)}, 256)"


def halves(columns: Sequence[Column], table: str = "") -> tuple[str, str]:
    """The SQL of one row's two unsigned 64-bit numbers. Raises ValueError for columns that `refusal` refuses."""
    return _halves(digest(columns, table))


def _halves(sha: str) -> tuple[str, str]:
    first, second = (f"CAST(CONV(SUBSTRING({sha}, {start}, 16), 16, 10) AS UNSIGNED)" for start in (1, 17))
    return first, second


def aggregate(columns: Sequence[Column], table: str = "") -> str:
    """The SQL of a set's hash, for a SELECT list: `row_count`, `xor1`, `xor2` and `unhashed`.

    `unhashed` counts rows too long for max_allowed_packet; a set that has any is not to be called equal to another.
    An empty set gives 0, 0, 0, 0.
    """
    return of_digests(digest(columns, table))


def of_digests(sha: str) -> str:
    """The same from an expression for each row's digest, such as the column of a derived table.

    A server computes the digest once for each time that it is named, so that a set is hashed three times as fast by
    `SELECT of_digests("d") FROM (SELECT digest(…) AS d FROM … LIMIT 18446744073709551615) AS rows_`; without the LIMIT
    the derived table is merged away.
    """
    first, second = _halves(sha)
    return f"COUNT(*) AS row_count, BIT_XOR({first}) AS xor1, BIT_XOR({second}) AS xor2, COUNT(*) - COUNT({sha}) AS unhashed"
