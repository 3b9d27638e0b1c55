"""Reads one column of a CREATE TABLE."""

from __future__ import annotations

from dataclasses import replace

from rlops.structure.expression import canonical
from rlops.structure.model import Column, Index, IndexPart
from rlops.structure.parts import CLUSTERING, Parts, read_check, read_constraint_name, read_valued_option
from rlops.structure.tokens import Reader, Token, source

_TYPE_WORDS = {
    ("DOUBLE", "PRECISION"): "double",
    ("CHARACTER", "VARYING"): "varchar",
    ("CHAR", "VARYING"): "varchar",
    ("LONG", "VARCHAR"): "mediumtext",
    ("LONG", "VARBINARY"): "mediumblob",
}
_FLAGS = ("AUTO_INCREMENT", "INVISIBLE", "COMPRESSED", "VISIBLE")
_PHRASES = (("WITHOUT", "SYSTEM", "VERSIONING"), ("WITH", "SYSTEM", "VERSIONING"), ("NOT", "SECONDARY"))
SHARD_BITS = "5"  # of AUTO_RANDOM, where none are said
_VALUED = ("COLUMN_FORMAT", "STORAGE", "SRID", "REF_SYSTEM_ID", "ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE")


class ColumnReader:
    """Reads one column; its inline keys and checks go where the others are."""

    def __init__(self, reader: Reader, parts: Parts) -> None:
        self.reader = reader
        self.parts = parts
        self.kept: list[Token] = []

    def read(self) -> None:
        reader, start = self.reader, self.reader.position
        name = reader.identifier()
        column = Column(name=name, type=self._type())
        if column.type == "serial":
            reader.fail("SERIAL hides a key: write BIGINT UNSIGNED NOT NULL AUTO_INCREMENT and the key")
        self.kept = reader.since(start)
        while reader.token.kind != "end" and not reader.peek(","):
            start = reader.position
            if not self._inline(name, start):
                column = self._attribute(column)
                self.kept += reader.since(start)
        self.parts.columns.append(replace(column, sql=source(self.kept), extra=tuple(sorted(column.extra))))

    def _type(self) -> str:
        reader = self.reader
        long_name = next((words for words in _TYPE_WORDS if reader.accept(*words)), None)
        text = _TYPE_WORDS[long_name] if long_name else reader.identifier().lower()
        if reader.peek("("):
            if text in ("text", "blob"):
                reader.fail(f"{text.upper()}(n) lets the server pick a type: name it")
            inside = reader.parenthesised()
            text += "(" + "".join("," if t.raw == "," else _type_argument(t) for t in inside) + ")"
        while word := reader.accept_any("UNSIGNED", "SIGNED", "ZEROFILL"):
            text += "" if word == "SIGNED" else f" {word.lower()}"
        return text

    def _inline(self, name: str, start: int) -> bool:
        """Read a key or a check that stands in the column's definition, if one does."""
        reader = self.reader
        constraint = read_constraint_name(reader)
        if reader.accept("CHECK"):
            self.parts.checks.append(read_check(reader, constraint, start, name))
        elif reader.accept("PRIMARY", "KEY") or reader.accept("PRIMARY"):
            how = reader.accept_any(*CLUSTERING)
            sql = f"PRIMARY KEY (`{name}`) {how}".rstrip()
            options = (how,) if how else ()
            self.parts.indexes.append(Index("PRIMARY", (IndexPart(name),), True, options=options, sql=sql))
        elif reader.accept("UNIQUE"):
            reader.accept("KEY")
            sql = f"UNIQUE INDEX `{name}` (`{name}`)"
            self.parts.indexes.append(Index(name, (IndexPart(name),), True, sql=sql))
        elif reader.peek("REFERENCES"):
            reader.fail("MySQL ignores an inline REFERENCES: declare a FOREIGN KEY")
        else:
            return False
        return True

    def _attribute(self, column: Column) -> Column:
        for accepts in (self._nullability, self._value, self._text, self._flag):
            changed = accepts(column)
            if changed is not None:
                return changed
        return self.reader.fail("can't understand this in a column's definition")

    def _nullability(self, column: Column) -> Column | None:
        if self.reader.accept("NOT", "NULL"):
            return replace(column, null=False)
        return replace(column, null=True) if self.reader.accept("NULL") else None

    def _value(self, column: Column) -> Column | None:
        reader = self.reader
        if reader.accept("DEFAULT"):
            return replace(column, default=canonical(self._expression()))
        if reader.accept("ON", "UPDATE"):
            return replace(column, on_update=canonical(self._expression()))
        if reader.accept("GENERATED", "ALWAYS", "AS") or reader.accept("AS"):
            if word := reader.accept_any("ROW"):
                word += " " + (reader.accept_any("START", "END") or reader.fail("expected START or END"))
                return replace(column, extra=(*column.extra, word))
            expression = canonical(reader.parenthesised())
            kind = reader.accept_any("VIRTUAL", "STORED", "PERSISTENT") or "VIRTUAL"
            return replace(column, generated=f"({expression}) {kind.replace('PERSISTENT', 'STORED')}")
        return None

    def _expression(self) -> list[Token]:
        """The tokens of a default: a literal, a call or something in parentheses."""
        reader, start = self.reader, self.reader.position
        reader.accept_any("-", "+")
        if reader.accept("NEXT", "VALUE", "FOR"):
            reader.identifier()
        elif not reader.peek("("):
            word = reader.next()
            if word.kind == "word" and reader.token.kind == "string":
                reader.next()
            while reader.accept("."):
                reader.identifier()
        if reader.peek("("):
            reader.parenthesised()
        return reader.since(start)

    def _text(self, column: Column) -> Column | None:
        reader = self.reader
        if reader.accept("COMMENT"):
            return replace(column, comment=reader.string())
        if reader.accept_any("CHARACTER SET", "CHARSET") or reader.accept("CHARACTER", "SET"):
            return replace(column, charset=reader.next().text.lower())
        if reader.accept("COLLATE"):
            return replace(column, collation=reader.next().text.lower())
        return None

    def _flag(self, column: Column) -> Column | None:
        reader = self.reader
        phrase = next((words for words in _PHRASES if reader.accept(*words)), None)
        word = " ".join(phrase) if phrase else reader.accept_any(*_FLAGS)
        if not word and reader.accept("AUTO_RANDOM"):
            word = f"AUTO_RANDOM({source(reader.parenthesised()) if reader.peek('(') else SHARD_BITS})"
        if not word and (name := reader.accept_any(*_VALUED)):
            word = read_valued_option(reader, name)
        if not word and reader.token.kind in ("word", "name"):
            position, name = reader.position, reader.identifier()
            # MariaDB's engines define attributes of their own, always written with "=".
            if not reader.peek("="):
                reader.position = position
                return None
            word = read_valued_option(reader, name.upper())
        if not word:
            return None
        return replace(column, extra=(*column.extra, *(() if word == "VISIBLE" else (word,))))


def _type_argument(token: Token) -> str:
    return token.raw if token.kind in ("string", "number") else token.text.lower()
