"""Reads CREATE TABLE, from an SQL file or from SHOW CREATE TABLE, into a Table."""

from __future__ import annotations

from functools import lru_cache

from rlops.structure.definitions import read_definition
from rlops.structure.expression import canonical
from rlops.structure.model import Partition, Partitioning, Table
from rlops.structure.parts import Parts
from rlops.structure.tokens import Reader, Token, source, tokenize

_PHRASES = {
    ("WITH", "SYSTEM", "VERSIONING"): ("SYSTEM VERSIONING", "ON"),
    ("ORGANIZATION", "INDEX"): ("ORGANIZATION", "INDEX"),
    ("ORGANIZATION", "HEAP"): ("ORGANIZATION", "HEAP"),
}
_TWO_WORDS = (
    ("DATA", "DIRECTORY"),
    ("INDEX", "DIRECTORY"),
    ("CHARACTER", "SET"),
    ("START", "TRANSACTION"),
    ("PLACEMENT", "POLICY"),
)


@lru_cache(maxsize=256)  # a command looks at a table that stays as it is a dozen times
def parse_create_table(sql: str) -> Table:
    """The table that this CREATE TABLE makes.

    Nothing is left out in silence: what isn't understood raises Usage with its line.
    """
    reader = Reader(tokenize(sql))
    _opening(reader)
    if reader.token.kind == "either":
        # Under ANSI_QUOTES what stands in double quotes is a name, everywhere.
        reader = Reader([token._replace(kind="name") if token.kind == "either" else token for token in tokenize(sql)])
        _opening(reader)
    name = reader.identifier()
    if reader.accept("."):
        name = reader.identifier()
    parts = _definitions(reader.inside())
    options = _options(reader)
    partitioning = _partitioning(reader) if reader.peek("PARTITION", "BY") else None
    reader.accept(";")
    if reader.token.kind != "end":
        reader.fail("can't understand this after the table's definition")
    return _table(name, parts, options, partitioning)


def _opening(reader: Reader) -> None:
    reader.expect("CREATE")
    reader.accept("OR", "REPLACE")
    reader.expect("TABLE")
    reader.accept("IF", "NOT", "EXISTS")


def _definitions(reader: Reader) -> Parts:
    parts = Parts()
    read_definition(reader, parts)
    while reader.accept(","):
        read_definition(reader, parts)
    if reader.token.kind != "end":
        reader.fail("expected a comma")
    return parts


def _table(name: str, parts: Parts, options: dict[str, str], partitioning: Partitioning | None) -> Table:
    counter = options.pop("AUTO_INCREMENT", None)
    return Table(
        name=name,
        columns=tuple(parts.columns),
        indexes=tuple(parts.indexes),
        foreign_keys=tuple(parts.foreign_keys),
        checks=tuple(parts.checks),
        engine=options.pop("ENGINE", None),
        charset=options.pop("CHARSET", None),
        collation=options.pop("COLLATE", None),
        comment=options.pop("COMMENT", ""),
        row_format=options.pop("ROW_FORMAT", None),
        auto_increment=int(counter) if counter else None,
        options=tuple(sorted((options | parts.periods).items())),
        partitioning=partitioning,
    )


def _options(reader: Reader) -> dict[str, str]:
    options: dict[str, str] = {}
    while reader.token.kind in ("word", "name") and not reader.peek("PARTITION", "BY"):
        phrase = next((words for words in _PHRASES if reader.accept(*words)), None)
        if phrase:
            name, value = _PHRASES[phrase]
        else:
            reader.accept("DEFAULT")
            name = _option_name(reader)
            reader.accept("=")
            value = _time_to_live(reader) if name == "TTL" else _option_value(reader)
        options[name] = value.lower() if name in ("CHARSET", "COLLATE") else value
        reader.accept(",")
    return options


def _option_name(reader: Reader) -> str:
    two = next((words for words in _TWO_WORDS if reader.accept(*words)), None)
    name = " ".join(two) if two else reader.identifier().upper()
    return {"CHARACTER SET": "CHARSET", "TYPE": "ENGINE"}.get(name, name)


def _time_to_live(reader: Reader) -> str:
    """TiDB's `column` + INTERVAL 3 MONTH."""
    start = reader.position
    reader.identifier()
    reader.expect("+", "INTERVAL")
    reader.next()
    reader.identifier()
    return source(reader.since(start))


def _option_value(reader: Reader) -> str:
    if reader.peek("("):
        return source(reader.parenthesised())
    token = reader.next()
    if token.kind == "symbol":
        reader.fail("expected an option's value")
    return token.text


def _partitioning(reader: Reader) -> Partitioning:
    start = reader.position
    reader.expect("PARTITION", "BY")
    method = _method(reader)
    if reader.accept("PARTITIONS"):
        method += f" PARTITIONS {reader.number()}"
    if reader.accept("SUBPARTITION", "BY"):
        method += f" SUBPARTITION BY {_method(reader)}"
        if reader.accept("SUBPARTITIONS"):
            method += f" SUBPARTITIONS {reader.number()}"
        if reader.accept("SUBPARTITION", "TEMPLATE"):
            method += f" TEMPLATE ({source(reader.parenthesised())})"
    partitions = _partitions(reader.inside()) if reader.peek("(") else ()
    return Partitioning(method, partitions, source(reader.since(start)))


def _method(reader: Reader) -> str:
    words = []
    while reader.token.kind == "word" and not reader.peek("("):
        words.append(reader.next().text.upper())
        if reader.accept("="):
            words[-1] += f"={reader.number()}"
    method = " ".join(words)
    if reader.peek("("):
        method += f" ({_canonical_list(reader.inside())})"
    # MariaDB's BY SYSTEM_TIME goes on with INTERVAL or LIMIT, which are words and numbers.
    while reader.token.kind == "number":
        method += f" {reader.next().text} {reader.identifier().upper()}"
    return method


def _canonical_list(reader: Reader) -> str:
    """Expressions separated by commas, each in its canonical form."""
    values: list[str] = []
    current: list[Token] = []
    while reader.token.kind != "end":
        if reader.peek("("):
            start = reader.position
            reader.parenthesised()
            current += reader.since(start)
        elif reader.accept(","):
            values.append(canonical(current))
            current = []
        else:
            current.append(reader.next())
    return ", ".join([*values, canonical(current)] if current else values)


def _partitions(reader: Reader) -> tuple[Partition, ...]:
    found = [_partition(reader)]
    while reader.accept(","):
        found.append(_partition(reader))
    return tuple(found)


def _partition(reader: Reader) -> Partition:
    reader.expect("PARTITION")
    return Partition(reader.identifier(), _bounds(reader), _partition_options(reader))


def _bounds(reader: Reader) -> str:
    if reader.accept("VALUES", "LESS", "THAN"):
        if reader.accept("MAXVALUE"):
            return "LESS THAN (maxvalue)"
        return f"LESS THAN ({_canonical_list(reader.inside())})"
    if reader.accept("VALUES", "IN"):
        return f"IN ({_canonical_list(reader.inside())})"
    return reader.accept_any("DEFAULT", "HISTORY", "CURRENT")


def _partition_options(reader: Reader) -> tuple[str, ...]:
    options = []
    while reader.token.kind != "end" and not reader.peek(","):
        if reader.peek("("):
            options.append(f"({source(reader.parenthesised())})")
            continue
        name = _option_name(reader)
        reader.accept("=")
        value = _option_value(reader)
        if name != "ENGINE":
            options.append(f"{name}={value}")
    return tuple(options)
