"""What the readers of columns and of keys share."""

from __future__ import annotations

from dataclasses import dataclass, field

from rlops.structure.expression import canonical
from rlops.structure.model import Check, Column, ForeignKey, Index
from rlops.structure.tokens import Reader, source

CLUSTERING = ("CLUSTERED", "NONCLUSTERED")  # how TiDB stores a primary key


@dataclass
class Parts:
    """What has been read of a table so far."""

    columns: list[Column] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    periods: dict[str, str] = field(default_factory=dict)


def read_constraint_name(reader: Reader) -> str | None:
    """The name after CONSTRAINT, "" if it has none, None if no CONSTRAINT comes next."""
    if not reader.accept("CONSTRAINT"):
        return None
    unnamed = any(reader.peek(word) for word in ("FOREIGN", "CHECK", "PRIMARY", "UNIQUE"))
    return "" if unnamed else reader.identifier()


def read_check(reader: Reader, name: str | None, start: int, column: str | None = None) -> Check:
    """What follows CHECK; the definition started at `start`."""
    expression = canonical(reader.parenthesised())
    enforced = not reader.accept("NOT", "ENFORCED")
    reader.accept("ENFORCED")
    return Check(name or None, expression, enforced, column, source(reader.since(start)))


def read_valued_option(reader: Reader, name: str) -> str:
    """NAME=value, whether or not the equals sign is there."""
    reader.accept("=")
    if reader.peek("("):
        return f"{name}=({source(reader.parenthesised())})"
    token = reader.next()
    if token.kind == "symbol":
        reader.fail(f"expected a value for {name}")
    return f"{name}={token.text}"
