"""Splits SQL into tokens, comments out of the way and versioned comments opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from rlops.errors import Usage

# A versioned comment's content counts: servers write INVISIBLE, NOT ENFORCED, partitions and all of TiDB's own that way.
_LEXEMES = re.compile(
    r"""(?P<space>\s+|--(?=\s|$)[^\n]*|\#[^\n]*|/\*(?!M?!|T!).*?\*/)
      | (?P<open>/\*(?:M?!\d*|T!(?:\[\w+\])?))
      | (?P<close>\*/)
      | (?P<string>'(?:[^'\\]|''|\\.)*')
      | (?P<either>"(?:[^"\\]|""|\\.)*")
      | (?P<name>`(?:[^`]|``)+`)
      | (?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?(?![\w$]))
      | (?P<word>[\w$]+)
      | (?P<symbol><=>|->>|<=|>=|<>|!=|\|\||&&|<<|>>|->|:=|[-()\[\],.;=<>+*/%!&|^~@:?])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}


class Token(NamedTuple):
    """`kind` is word, name, string, either (double quotes: a string or a name), number, symbol or end."""

    kind: str
    text: str
    raw: str
    line: int
    spaced: bool


def tokenize(sql: str) -> list[Token]:
    """All tokens and one of kind "end".

    Raises Usage where a character can't be understood.
    """
    tokens: list[Token] = []
    position, line, spaced, versioned = 0, 1, False, False
    while position < len(sql):
        match = _LEXEMES.match(sql, position)
        kind = match.lastgroup if match else None
        if not match or kind is None or (kind == "close" and not versioned):
            raise Usage(f"line {line}: can't understand {sql[position : position + 20]!r}")
        if kind in ("space", "open", "close"):
            spaced = True
            versioned = versioned if kind == "space" else kind == "open"
        else:
            tokens.append(Token(kind, _value(kind, match.group()), match.group(), line, spaced))
            spaced = False
        line += match.group().count("\n")
        position = match.end()
    return [*tokens, Token("end", "", "end of the statement", line, True)]


def _value(kind: str, raw: str) -> str:
    if kind == "name":
        return raw[1:-1].replace("``", "`")
    if kind in ("string", "either"):
        quote = raw[0]
        inside = raw[1:-1].replace(quote * 2, quote)
        return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), inside, flags=re.DOTALL)
    return raw


def source(tokens: Sequence[Token]) -> str:
    """The tokens as text again, spaced as they were but on one line."""
    return "".join((" " if token.spaced and index else "") + token.raw for index, token in enumerate(tokens))


class Reader:
    """Reads tokens one after the other."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self.position = 0

    @property
    def token(self) -> Token:
        return self._tokens[self.position]

    def peek(self, *words: str) -> bool:
        """Whether exactly these words or symbols come next."""
        ahead = self._tokens[self.position : self.position + len(words)]
        return len(ahead) == len(words) and all(
            token.kind in ("word", "symbol") and token.text.upper() == word
            for token, word in zip(ahead, words, strict=True)
        )

    def accept(self, *words: str) -> bool:
        """Step over these words or symbols if they come next."""
        found = self.peek(*words)
        if found:
            self.position += len(words)
        return found

    def accept_any(self, *words: str) -> str:
        """Step over one of the words if it comes next, and say which; "" if none does."""
        return next((word for word in words if self.accept(word)), "")

    def expect(self, *words: str) -> None:
        """Step over these words. Raises Usage if they don't come next."""
        if not self.accept(*words):
            self.fail(f"expected {' '.join(words)}")

    def next(self) -> Token:
        """The next token of any kind. Raises Usage at the end."""
        if self.token.kind == "end":
            self.fail("unexpected end")
        self.position += 1
        return self._tokens[self.position - 1]

    def identifier(self) -> str:
        """A name, quoted or not. Raises Usage if something else comes next."""
        if self.token.kind not in ("word", "name", "either"):
            self.fail("expected a name")
        return self.next().text

    def string(self) -> str:
        """A string's text. Raises Usage if something else comes next."""
        if self.token.kind not in ("string", "either"):
            self.fail("expected a string")
        return self.next().text

    def number(self) -> int:
        """A whole number. Raises Usage if something else comes next."""
        if self.token.kind != "number" or not self.token.text.isdigit():
            self.fail("expected a number")
        return int(self.next().text)

    def parenthesised(self) -> list[Token]:
        """The tokens between this parenthesis and the one that closes it."""
        self.expect("(")
        start, depth = self.position, 1
        while depth:
            token = self.next()
            if token.kind == "symbol":
                depth += {"(": 1, ")": -1}.get(token.text, 0)
        return list(self._tokens[start : self.position - 1])

    def since(self, position: int) -> list[Token]:
        """The tokens from that position up to the next one to read."""
        return list(self._tokens[position : self.position])

    def inside(self) -> Reader:
        """A reader of what the parentheses that come next hold."""
        line = self.token.line
        tokens = self.parenthesised()
        return Reader([*tokens, Token("end", "", "closing parenthesis", tokens[-1].line if tokens else line, False)])

    def fail(self, message: str) -> NoReturn:
        """Raises Usage with the line and what stands there."""
        raise Usage(f"line {self.token.line}: {message}, found {self.token.raw[:40]}")
