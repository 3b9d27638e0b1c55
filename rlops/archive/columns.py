"""A column between the server and Parquet: its Arrow type, how a row's line writes it, and its text in a row's hash."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from rlops import rowhash
from rlops.sqlfiles import quote
from rlops.structure import Column

NULL = "N"  # unquoted in a line; texts are always quoted
PARTITION_COLUMNS = ("table", "year", "month")  # what the folders' names say
TELLING = ("user_id", "product_id", "timestamp")  # say, beside the id, which row it is, and whose
_INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 32, "int": 32, "integer": 32, "bigint": 64}
PLAIN = (*_INTEGERS, "decimal", "numeric", "date", "datetime", "timestamp", "year")
_MOST_EXACT = 6  # decimals behind the point up to which Arrow writes no exponent


def refusal(columns: Sequence[Column]) -> str:
    """Why a table with these columns can't be archived exactly; "" when it can."""
    names = {column.name.lower(): column for column in columns}
    if taken := [name for name in PARTITION_COLUMNS if name in names]:
        return f"it has a column {taken[0]}, which is what the archive's folders are named by"
    if other := [column.name for name, column in names.items() if name in ("id", *TELLING) and column.name != name]:
        return f"its column {other[0]} is declared as {other[0].lower()}, and the archive's readers tell the two apart"
    if "id" not in names or "timestamp" not in names:
        return "it has no columns id and timestamp"
    if rowhash.base(names["timestamp"]) != "datetime":
        return f"its timestamp is {names['timestamp'].type}, and the months of an archive are those of a DATETIME"
    return rowhash.refusal(columns)


def arrow_type(column: Column) -> pa.DataType:
    """The type that holds every value of the column exactly. TIME, which can pass a day, is text.

    So is a DECIMAL of more than 38 digits: it is the most that Arrow reads from CSV, and DuckDB, polars and Spark from Parquet.
    """
    kind, numbers = rowhash.base(column), [int(number) for number in re.findall(r"\d+", column.type)]
    if kind in _INTEGERS:
        return getattr(pa, f"{'uint' if 'unsigned' in column.type.lower() else 'int'}{_INTEGERS[kind]}")()
    if kind in ("decimal", "numeric"):
        precision, scale = (*numbers, *(10, 0)[len(numbers) :])[:2]
        return pa.decimal128(precision, scale) if precision <= 38 else pa.string()
    if kind == "timestamp":
        return pa.timestamp("us", "UTC")
    simple = {"datetime": pa.timestamp("us"), "date": pa.date32(), "year": pa.int16()}
    return simple.get(kind) or (pa.binary() if kind in rowhash.BINARY else pa.string())


def schema(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of rows with these columns."""
    return pa.schema([pa.field(column.name, arrow_type(column), column.null) for column in columns])


def quoted(column: Column) -> bool:
    """Whether a row's line has its values in quotes, as it has texts."""
    return rowhash.base(column) not in (*PLAIN, *rowhash.BINARY)


def line(columns: Sequence[Column]) -> str:
    """The SQL of a row as one line of CSV: texts in quotes, binary strings as hexadecimal digits, NULL as N.

    It is NULL for a row that has a value, or is as a whole, too long for max_allowed_packet.
    """
    parts = []
    for column in columns:
        value = rowhash.text(column)
        if quoted(column):
            value = f"""CONCAT('"', REPLACE({value} COLLATE utf8mb4_bin, '"', '""'), '"')"""
        parts.append(f"IF({quote(column.name)} IS NULL, '{NULL}', {value})")
    joined = ", ',', ".join(parts)
    return f"CONCAT({joined})"


def lines(batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.Array:
    """The lines that `line` gives for these rows on the server."""
    parts = []
    for column in columns:
        value = text(batch.column(column.name), column)
        if quoted(column):
            value = pc.binary_join_element_wise("", pc.replace_substring(value, '"', '""'), "", '"')
        parts.append(pc.coalesce(value, pa.scalar(NULL)))
    return pc.binary_join_element_wise(*parts, ",")


def digest(columns: Sequence[Column], live: Mapping[str, Column] | None = None) -> str:
    """The SQL of the digits of a row's hash that count; NULL for a row that passes max_allowed_packet. `live`: see `rowhash.text`."""
    return f"LEFT(SHA2({rowhash.row_text(columns, live=live)}, 256), 32)"


def text(array: pa.Array, column: Column) -> pa.Array:
    """The texts that `rowhash.text` gives for these values on the server."""
    kind = rowhash.base(column)
    if kind in rowhash.BINARY:
        return pa.array([None if value is None else value.hex().upper() for value in array.to_pylist()], pa.string())
    if kind in ("datetime", "timestamp"):
        return _instants(array, int((re.findall(r"\d+", column.type) or ["0"])[0]))
    if pa.types.is_decimal(array.type) and array.type.scale > _MOST_EXACT:
        return pa.array([None if value is None else f"{value:f}" for value in array.to_pylist()], pa.string())
    texts = pc.cast(array, pa.string())
    return pc.utf8_lpad(texts, 4, "0") if kind == "year" else texts


def _instants(array: pa.Array, digits: int) -> pa.Array:
    array = pc.cast(array, pa.timestamp("us"))
    if digits == 0:
        return pc.cast(pc.cast(array, pa.timestamp("s")), pa.string())
    return pc.utf8_slice_codeunits(pc.cast(array, pa.string()), 0, len("2000-01-01 00:00:00.") + digits)
