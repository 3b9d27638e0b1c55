"""JSON values against the shapes in policy.toml.

A key that ends in "?" may be missing or null, a key that the shape doesn't name is nobody's business, an integer may
be written 3.0 (as in JSON Schema), and of a key given twice the last one counts, as in most readers of JSON.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rlops.errors import Usage

NUMBERS = re.compile(r"numbers\((\d+)\)")


@dataclass(frozen=True)
class Breach:
    """What is wrong with one value: by which check, at which path inside the column ("": all of it).

    `where` is true of such rows in SQL ("": only their ids tell); `{latest}` in it stands for the latest time that is
    not in the future.
    """

    check: str
    path: str
    expected: str
    actual: str
    where: str = ""


Breaches = tuple[Breach, ...]
Judge = Callable[[Any], Breaches]


def judge_text(spec: Any, name: str) -> Judge:
    """A function that takes a column's JSON text and tells every breach of the shape; none of a NULL.

    Raises Usage when policy.toml describes the shape with words that rlops doesn't know.
    """
    judge = _judge(spec, name, "")

    def judge_column(text: Any) -> Breaches:
        if text is None:
            return ()
        try:
            value = _DECODER.decode(text.decode() if isinstance(text, bytes) else str(text))
        except RecursionError:
            return (Breach("json", "", "valid JSON", "nested too deeply"),)
        except ValueError as error:
            return (Breach("json", "", "valid JSON", str(error)),)
        return judge(value)

    return judge_column


def checks_of(spec: Any) -> Iterator[str]:
    """The names of the checks that a column of this shape goes through."""
    yield "json"
    yield "shape"
    if any(NUMBERS.fullmatch(str(member)) for member in spec.values()):
        yield "vector"


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _judge(spec: Any, name: str, path: str) -> Judge:
    if isinstance(spec, Mapping):
        return _object(spec, name, path)
    if numbers := NUMBERS.fullmatch(str(spec)):
        return _numbers(int(numbers[1]), path)
    if spec in _FITS:
        return _scalar(spec, path)
    known = ", ".join((*_FITS, "numbers(N)"))
    raise Usage(f"policy.toml: shapes.{name}: {spec!r} is none of {known}", "Or a table of keys.")


def _object(spec: Mapping[str, Any], name: str, path: str) -> Judge:
    members = []
    for key, inner in spec.items():
        bare = key.removesuffix("?")
        where = f"{path}.{bare}" if path else bare
        absent: Breaches = () if key.endswith("?") else (Breach(_check(inner), where, _words(inner), "missing"),)
        members.append((bare, absent, _judge(inner, f"{name}.{bare}", where)))

    def judge(value: Any) -> Breaches:
        if type(value) is not dict:
            return (Breach("shape", path, "object", kind(value)),)
        found: Breaches = ()
        for key, absent, inner in members:
            member = value.get(key)
            found += absent if member is None else inner(member)
        return found

    return judge


def _numbers(length: int, path: str) -> Judge:
    expected = _words(f"numbers({length})")

    def judge(value: Any) -> Breaches:
        if type(value) is not list:
            actual = kind(value)
        elif len(value) != length:
            actual = f"{len(value)} values"
        else:
            wrong = next((at for at, each in enumerate(value) if not _number(each)), None)
            if wrong is None:
                return ()
            actual = f"value {wrong + 1} is {kind(value[wrong])}"
        return (Breach("vector", path, expected, actual),)

    return judge


def _scalar(spec: str, path: str) -> Judge:
    fits = _FITS[spec]

    def judge(value: Any) -> Breaches:
        return () if fits(value) else (Breach("shape", path, spec, kind(value)),)

    return judge


def _number(value: Any) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _integer(value: Any) -> bool:
    return type(value) is int or (type(value) is float and value.is_integer())


_FITS: dict[str, Callable[[Any], bool]] = {
    "integer": _integer,
    "number": _number,
    "string": lambda value: type(value) is str,
    "object": lambda value: type(value) is dict,
}


def _check(spec: Any) -> str:
    return "vector" if NUMBERS.fullmatch(str(spec)) else "shape"


def _words(spec: Any) -> str:
    if isinstance(spec, Mapping):
        return "object"
    numbers = NUMBERS.fullmatch(str(spec))
    return f"{numbers[1]} numbers" if numbers else str(spec)


def kind(value: Any) -> str:
    """What JSON calls a value, in words."""
    if value is None:
        return "null"
    if type(value) is float:
        return "fraction" if math.isfinite(value) else "number beyond a double's range"
    return {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}[type(value)]
