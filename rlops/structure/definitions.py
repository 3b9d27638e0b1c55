"""Reads the definitions of a CREATE TABLE: columns, indexes, foreign keys and checks."""

from __future__ import annotations

from dataclasses import replace

from rlops.structure.columns import ColumnReader
from rlops.structure.expression import canonical
from rlops.structure.model import ForeignKey, Index, IndexPart
from rlops.structure.parts import CLUSTERING, Parts, read_check, read_constraint_name, read_valued_option
from rlops.structure.tokens import Reader, source


def read_definition(reader: Reader, parts: Parts) -> None:
    """Read one definition, up to its comma.

    Raises Usage with the line where it can't be understood.
    """
    start = reader.position
    if reader.accept("PERIOD", "FOR"):
        period = f"PERIOD FOR {reader.identifier()}"
        parts.periods[period] = f"({', '.join(_names(reader))})"
        return
    constraint = read_constraint_name(reader)
    if reader.accept("FOREIGN", "KEY"):
        parts.foreign_keys.append(_foreign_key(reader, constraint, start))
    elif reader.accept("CHECK"):
        parts.checks.append(read_check(reader, constraint, start))
    elif (index := _index_kind(reader)) is not None:
        parts.indexes.append(_index(reader, index, constraint, start))
    elif constraint is not None:
        reader.fail("expected FOREIGN KEY, CHECK, PRIMARY KEY or UNIQUE")
    else:
        ColumnReader(reader, parts).read()


def _foreign_key(reader: Reader, name: str | None, start: int) -> ForeignKey:
    own_name = None if reader.peek("(") else reader.identifier()
    columns = _names(reader)
    reader.expect("REFERENCES")
    schema, table = None, reader.identifier()
    if reader.accept("."):
        schema, table = table, reader.identifier()
    referenced = _names(reader)
    actions = {"DELETE": "NO ACTION", "UPDATE": "NO ACTION"}
    while word := reader.accept_any("MATCH", "ON"):
        if word == "MATCH":
            reader.identifier()
            continue
        event = reader.accept_any("DELETE", "UPDATE") or reader.fail("expected DELETE or UPDATE")
        actions[event] = _action(reader)
    sql = source(reader.since(start))
    return ForeignKey(name or own_name, columns, schema, table, referenced, actions["DELETE"], actions["UPDATE"], sql)


def _action(reader: Reader) -> str:
    actions = ("CASCADE", "RESTRICT", "NO ACTION", "SET NULL", "SET DEFAULT")
    found = next((action for action in actions if reader.accept(*action.split())), None)
    # InnoDB does the same for RESTRICT and NO ACTION, and servers show one, the other or none.
    return "NO ACTION" if found == "RESTRICT" else found or reader.fail("expected an action")


def _names(reader: Reader) -> tuple[str, ...]:
    inside = reader.inside()
    names = [inside.identifier()]
    while inside.accept(","):
        names.append(inside.identifier())
    if inside.token.kind != "end":
        inside.fail("expected a comma")
    return tuple(names)


def _index_kind(reader: Reader) -> str | None:
    """Step over what opens an index's definition; None if none does."""
    if reader.accept("PRIMARY", "KEY"):
        return "PRIMARY"
    for kind in ("UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR"):
        if reader.accept(kind):
            reader.accept_any("KEY", "INDEX")
            return kind
    return "" if reader.accept_any("KEY", "INDEX") else None


def _index(reader: Reader, kind: str, constraint: str | None, start: int) -> Index:
    name = None if reader.peek("(") or reader.peek("USING") else reader.identifier()
    options = _index_type(reader)
    inside = reader.inside()
    parts = [_index_part(inside)]
    while inside.accept(","):
        parts.append(_index_part(inside))
    if inside.token.kind != "end":
        inside.fail("expected a comma")
    index = Index(
        name="PRIMARY" if kind == "PRIMARY" else name or constraint or parts[0].column,
        parts=tuple(parts),
        unique=kind in ("PRIMARY", "UNIQUE"),
        kind="" if kind in ("PRIMARY", "UNIQUE") else kind,
    )
    return replace(_index_options(reader, index, options), sql=source(reader.since(start)))


def _index_type(reader: Reader) -> list[str]:
    if not reader.accept_any("USING", "TYPE"):
        return []
    # BTREE is what InnoDB makes of it anyway, and what servers leave out or show at will.
    method = reader.identifier().upper()
    return [] if method == "BTREE" else [f"USING {method}"]


def _index_part(reader: Reader) -> IndexPart:
    if reader.peek("("):
        part = IndexPart(canonical(reader.parenthesised()), expression=True)
    else:
        name = reader.identifier()
        length = reader.inside().number() if reader.peek("(") else None
        part = IndexPart(name, length)
        if reader.accept("WITHOUT", "OVERLAPS"):
            part = IndexPart(f"{name} WITHOUT OVERLAPS")
    return replace(part, descending=reader.accept_any("ASC", "DESC") == "DESC")


def _index_options(reader: Reader, index: Index, options: list[str]) -> Index:
    while reader.token.kind != "end" and not reader.peek(","):
        if reader.peek("USING"):
            options += _index_type(reader)
        elif reader.accept("COMMENT"):
            index = replace(index, comment=reader.string())
        elif word := reader.accept_any("INVISIBLE", "IGNORED", "VISIBLE"):
            index = replace(index, visible=word == "VISIBLE")
        elif reader.accept("NOT", "IGNORED"):
            index = replace(index, visible=True)
        elif reader.accept("WITH", "PARSER"):
            options.append(f"WITH PARSER {reader.identifier().lower()}")
        elif reader.accept_any("LOCAL", "GLOBAL"):
            continue
        elif word := reader.accept_any(*CLUSTERING):
            options.append(word)
        else:
            options.append(read_valued_option(reader, reader.identifier().upper()))
    return replace(index, options=tuple(sorted(options)))
