"""One text for each expression, however a server chooses to write it.

MySQL puts every operation in parentheses, MariaDB the fewest that it can, and both rename functions and add character
set introducers. Operators are therefore parsed by precedence (MySQL 9.7 reference manual, "Operator Precedence") and
written out in one way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rlops.errors import Usage
from rlops.structure.model import literal
from rlops.structure.tokens import Reader, Token

_BINARY = {
    **dict.fromkeys(("OR", "||"), 1),
    "XOR": 2,
    **dict.fromkeys(("AND", "&&"), 3),
    **dict.fromkeys(
        ("=", "<=>", ">=", ">", "<=", "<", "<>", "!=", "IS", "LIKE", "REGEXP", "RLIKE", "IN", "BETWEEN"), 6
    ),
    "|": 7,
    "&": 8,
    **dict.fromkeys(("<<", ">>"), 9),
    **dict.fromkeys(("+", "-"), 10),
    **dict.fromkeys(("*", "/", "DIV", "%", "MOD"), 11),
    "^": 12,
    "COLLATE": 15,
}
_SAME_OPERATOR = {"||": "OR", "&&": "AND", "!=": "<>", "RLIKE": "REGEXP", "MOD": "%"}
_OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_SAME_FUNCTION = {
    **dict.fromkeys(("now", "localtime", "localtimestamp"), "current_timestamp"),
    "current_date": "curdate",
    "current_time": "curtime",
    "substring": "substr",
    "mid": "substr",
    "lcase": "lower",
    "ucase": "upper",
    "ceil": "ceiling",
    "pow": "power",
    "character_length": "char_length",
    "octet_length": "length",
    "adddate": "date_add",
    "subdate": "date_sub",
}
_FUNCTION_OPERATOR = {"mod": "%", "regexp_like": "regexp", "date_add": "+", "date_sub": "-"}
_BARE_FUNCTIONS = ("current_timestamp", "localtime", "localtimestamp", "current_date", "current_time")
_FORMS = {
    "interval": "interval {} {}",
    "is": "({} is {})",
    "collate": "({} collate {})",
    "not": "not({})",
    "minus": "-{}",
    "invert": "~{}",
}
_CONSTANTS = {"TRUE": "1", "FALSE": "0", "NULL": "null"}


@dataclass(frozen=True)
class _Node:
    """An operator of `_BINARY`, a form of `_FORMS`, or a function's call, and what it works on."""

    word: str
    operands: tuple[_Node | str, ...]
    call: bool = False

    def __str__(self) -> str:
        if self.call:
            return f"{self.word}({', '.join(_bare(each) for each in self.operands)})"
        if self.word in _FORMS:
            return _FORMS[self.word].format(*self.operands)
        return "(" + f" {self.word} ".join(map(str, self.operands)) + ")"


def canonical(tokens: Sequence[Token]) -> str:
    """The expression in lower case, every operation but the outermost in parentheses.

    What the small grammar here doesn't know is compared by its bare tokens.
    """
    tokens = [token for token in tokens if token.kind != "end"]
    try:
        return _bare(_whole(_reader(tokens)))
    except Usage:
        return " ".join(_text(token) for token in tokens)


def _reader(tokens: Sequence[Token]) -> Reader:
    return Reader([*tokens, Token("end", "", "", 0, False)])


def _bare(node: _Node | str) -> str:
    text = str(node)
    return text[1:-1] if isinstance(node, _Node) and text.startswith("(") else text


def _text(token: Token) -> str:
    return literal(token.text) if token.kind in ("string", "either") else token.text.lower()


def _whole(reader: Reader) -> _Node | str:
    node = _operation(reader, 0)
    if reader.token.kind != "end":
        reader.fail("expected an operator")
    return node


def _operation(reader: Reader, least: int) -> _Node | str:
    left = _prefix(reader)
    while True:
        start = reader.position
        negated = reader.accept("NOT")
        operator = reader.token.text.upper() if reader.token.kind in ("word", "symbol") else ""
        rank = _BINARY.get(operator, -1)
        if rank <= least:
            reader.position = start
            return left
        reader.next()
        left = _binary(reader, left, _SAME_OPERATOR.get(operator, operator), rank)
        left = _not(left) if negated else left


def _binary(reader: Reader, left: _Node | str, operator: str, rank: int) -> _Node | str:
    if operator == "IS":
        negated = reader.accept("NOT")
        node = _Node("is", (left, reader.next().text.lower()))
        return _not(node) if negated else node
    if operator == "IN":
        return _Node("in", (left, _Node("", tuple(_arguments(reader.inside())), call=True)))
    if operator == "BETWEEN":
        low = _operation(reader, rank)
        reader.expect("AND")
        # seekdb writes it as two comparisons.
        return _Node("and", (_Node(">=", (left, low)), _Node("<=", (left, _operation(reader, rank)))))
    if operator == "COLLATE":
        return _Node("collate", (left, reader.identifier().lower()))
    right = _operation(reader, rank)
    if operator in ("AND", "OR"):
        return _joined(operator.lower(), (left, right))
    if operator == "LIKE" and reader.accept("ESCAPE"):
        escape = _primary(reader)
        right = right if escape == literal("\\") else f"{right} escape {escape}"
    return _Node(operator.lower(), (left, right))


def _joined(word: str, operands: Sequence[_Node | str]) -> _Node:
    """The chain of AND or OR; chains of the same operator inside it are opened, as servers do."""
    return _Node(word, tuple(each for operand in operands for each in _chain(operand, word)))


def _chain(node: _Node | str, word: str) -> tuple[_Node | str, ...]:
    return node.operands if isinstance(node, _Node) and node.word == word and not node.call else (node,)


def _not(node: _Node | str) -> _Node | str:
    """The negation, moved inwards as MySQL and MariaDB write it."""
    if isinstance(node, _Node) and not node.call:
        if node.word in _OPPOSITE:
            return _Node(_OPPOSITE[node.word], node.operands)
        if node.word == "not":
            return node.operands[0]
        if node.word in ("and", "or"):
            return _joined("or" if node.word == "and" else "and", [_not(each) for each in node.operands])
    return _Node("not", (node,))


def _prefix(reader: Reader) -> _Node | str:
    if reader.accept("NOT"):
        return _not(_operation(reader, 4))
    if reader.accept("!"):
        return _not(_operation(reader, 14))
    if reader.accept("-"):
        return _Node("minus", (_operation(reader, 13),))
    if reader.accept("+"):
        return _operation(reader, 13)
    if reader.accept("~"):
        return _Node("invert", (_operation(reader, 13),))
    if reader.accept("BINARY"):
        return _Node("cast", (f"{_bare(_operation(reader, 15))} as binary",), call=True)
    left = _primary(reader)
    if arrow := reader.accept_any("->>", "->"):
        extract = _Node("json_extract", (left, _primary(reader)), call=True)
        return extract if arrow == "->" else _Node("json_unquote", (extract,), call=True)
    return left


def _primary(reader: Reader) -> _Node | str:
    token = reader.token
    if reader.peek("("):
        values = _arguments(reader.inside())
        return values[0] if len(values) == 1 else _Node("", tuple(values), call=True)
    if reader.accept("CASE"):
        return _case(reader)
    if reader.accept("INTERVAL"):
        return _Node("interval", (_operation(reader, 9), reader.identifier().lower()))
    reader.next()
    if token.kind in ("string", "number", "either"):
        return _text(token)
    if token.kind == "symbol":
        reader.fail("expected an operand")
    if token.kind == "word" and reader.token.kind == "string":
        return _prefixed(token.text.lower(), reader)
    if token.kind == "word" and token.text.upper() in _CONSTANTS:
        return _CONSTANTS[token.text.upper()]
    return _named(token.text.lower(), token.kind == "word", reader)


def _prefixed(word: str, reader: Reader) -> str:
    """_utf8mb4'…' and N'…' are just strings; b'…', x'…' and DATE'…' are not."""
    text = literal(reader.string())
    return text if word.startswith("_") or word == "n" else word + text


def _named(name: str, word: bool, reader: Reader) -> _Node | str:
    while reader.accept("."):
        name = reader.identifier().lower()
    function = _SAME_FUNCTION.get(name, name)
    if not reader.peek("("):
        return f"{function}()" if word and name in _BARE_FUNCTIONS else name
    inside = reader.parenthesised()
    try:
        values = _arguments(_reader(inside))
    except Usage:
        return f"{function}({_keyword_arguments(inside)})"
    if len(values) == 2 and function in _FUNCTION_OPERATOR:
        return _Node(_FUNCTION_OPERATOR[function], tuple(values))
    return _Node(function, tuple(values), call=True)


def _keyword_arguments(inside: Sequence[Token]) -> str:
    """CAST(x AS CHAR), EXTRACT(YEAR FROM x): the first part may be an expression, the rest is words."""
    words = [token.text.upper() if token.kind == "word" else "" for token in inside]
    cut = next((words.index(word) for word in ("AS", "USING") if word in words), 0)
    rest = [_text(token) for token in inside[cut:]]
    if "charset" in rest:
        # MySQL adds the session's character set to CAST(… AS CHAR).
        rest = rest[: rest.index("charset")]
    return " ".join([canonical(inside[:cut]), *rest] if cut else rest)


def _arguments(reader: Reader) -> list[_Node | str]:
    values: list[_Node | str] = []
    while reader.token.kind != "end":
        values.append(_operation(reader, 0))
        if reader.token.kind != "end":
            reader.expect(",")
    return values


def _case(reader: Reader) -> str:
    parts = ["case"]
    while not reader.accept("END"):
        word = reader.accept_any("WHEN", "THEN", "ELSE").lower()
        parts.append(f"{word} {_bare(_operation(reader, 0))}".strip())
    return f"({' '.join(parts)} end)"
