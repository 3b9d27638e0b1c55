"""What a table is: frozen values that the parser makes, and that normalising and comparing take."""

from __future__ import annotations

from dataclasses import dataclass, field


def literal(text: str) -> str:
    """The text as an SQL string, for sessions without NO_BACKSLASH_ESCAPES."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


@dataclass(frozen=True)
class Column:
    """One column. `default` and `generated` are canonical expressions; None means that none is given."""

    name: str
    type: str
    null: bool = True
    default: str | None = None
    on_update: str | None = None
    charset: str | None = None
    collation: str | None = None
    comment: str = ""
    generated: str | None = None
    extra: tuple[str, ...] = ()
    sql: str = field(default="", compare=False)
    """The definition as written, without its inline keys and checks: what MODIFY COLUMN takes."""


@dataclass(frozen=True)
class IndexPart:
    """A column with an optional prefix length, or an expression."""

    column: str
    length: int | None = None
    descending: bool = False
    expression: bool = False

    def __str__(self) -> str:
        text = f"({self.column})" if self.expression else self.column
        return text + (f"({self.length})" if self.length else "") + (" DESC" if self.descending else "")


@dataclass(frozen=True)
class Index:
    """One index; the primary key is the one named PRIMARY. `kind` is "", FULLTEXT, SPATIAL or VECTOR."""

    name: str
    parts: tuple[IndexPart, ...]
    unique: bool = False
    kind: str = ""
    visible: bool = True
    comment: str = ""
    options: tuple[str, ...] = ()
    sql: str = field(default="", compare=False)

    @property
    def primary(self) -> bool:
        return self.name == "PRIMARY"

    @property
    def columns(self) -> str:
        return "(" + ", ".join(map(str, self.parts)) + ")"

    def covers(self, columns: tuple[str, ...]) -> bool:
        """Whether a foreign key on these columns can use the index."""
        leading = [part.column.lower() for part in self.parts if not part.expression and not part.length]
        return not self.kind and leading[: len(columns)] == [column.lower() for column in columns]


@dataclass(frozen=True)
class ForeignKey:
    """One foreign key. `ref_schema` is None for the table's own schema; `name` is None if the server picks one."""

    name: str | None
    columns: tuple[str, ...]
    ref_schema: str | None
    ref_table: str
    ref_columns: tuple[str, ...]
    on_delete: str = "NO ACTION"
    on_update: str = "NO ACTION"
    sql: str = field(default="", compare=False)

    @property
    def target(self) -> str:
        table = f"{self.ref_schema}.{self.ref_table}" if self.ref_schema else self.ref_table
        return f"({', '.join(self.columns)}) REFERENCES {table} ({', '.join(self.ref_columns)})"

    @property
    def actions(self) -> str:
        return f"ON DELETE {self.on_delete} ON UPDATE {self.on_update}"


@dataclass(frozen=True)
class Check:
    """One CHECK. `column` is set when it stands in a column's definition, which MariaDB keeps apart."""

    name: str | None
    expression: str
    enforced: bool = True
    column: str | None = None
    sql: str = field(default="", compare=False)


@dataclass(frozen=True)
class Partition:
    """One partition: its name, its canonical VALUES clause and what else is said of it."""

    name: str
    values: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Partitioning:
    """PARTITION BY: `method` in canonical text, e.g. "RANGE COLUMNS (timestamp)", and the partitions in order."""

    method: str
    partitions: tuple[Partition, ...] = ()
    sql: str = field(default="", compare=False)

    def __str__(self) -> str:
        inside = ", ".join(" ".join((each.name, each.values, *each.options)).strip() for each in self.partitions)
        return f"{self.method} ({inside})" if inside else self.method


@dataclass(frozen=True)
class Table:
    """A table as declared or as it lives. `auto_increment` is the counter, which is no part of the structure."""

    name: str
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    engine: str | None = None
    charset: str | None = None
    collation: str | None = None
    comment: str = ""
    row_format: str | None = None
    auto_increment: int | None = None
    options: tuple[tuple[str, str], ...] = ()
    partitioning: Partitioning | None = None

    def index_along(self, *columns: str) -> Index | None:
        """A visible index that begins with these columns."""
        for index in self.indexes:
            if index.visible and tuple(str(part) for part in index.parts[: len(columns)]) == columns:
                return index
        return None


@dataclass(frozen=True)
class Other:
    """Something else that has the table's name: `kind` is "view" or "sequence"."""

    name: str
    kind: str


@dataclass(frozen=True)
class Trigger:
    """One trigger as information_schema shows it."""

    name: str
    table: str
    timing: str
    event: str
    definer: str
    action: str


@dataclass(frozen=True)
class Finding:
    """One difference; `hint` is the statement that mends it, or "" where no single statement does."""

    check: str
    object: str
    expected: str
    actual: str
    hint: str
