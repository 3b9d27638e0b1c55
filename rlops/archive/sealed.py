"""Small JSON files that say of themselves whether a byte of them was changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def dump(value: Mapping[str, Any]) -> str:
    """The text of such a file."""
    return json.dumps({"seal": _seal(value), "of": value}, ensure_ascii=False, indent=1) + "\n"


def load(text: str) -> dict[str, Any]:
    """What such a file says. Raises ValueError when it isn't as it was written, be it a space."""
    try:
        whole = json.loads(text)
        value = dict(whole["of"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{error} is missing") from error
    if text != dump(value):
        raise ValueError("its seal doesn't fit")
    return value


def _seal(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
