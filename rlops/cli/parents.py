"""Users and products as they are named on the command line, where --user is the account's name, too."""

from __future__ import annotations

import re
from pathlib import Path

from rlops.errors import Usage

IDS = (-(2**63), 2**64 - 1)


def told_apart(given: list[str]) -> tuple[list[int], str | None]:
    """The shop's users, by number, and the account that logs in. Raises Usage."""
    numbers = [word for word in given if re.fullmatch(r"-?\d+", word)]
    names = [word for word in given if word not in numbers]
    if len(names) > 1:
        raise Usage("--user names users by number and, where needed, one account by name")
    return [_id(word, f"--user {word}") for word in numbers], names[0] if names else None


def read_ids(path: Path) -> list[int]:
    """A file's ids, one a line; empty lines are left out. Raises Usage, with the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"{path} can't be read: {error}") from error
    found = [_id(line.strip(), f"{path}:{number}: {line!r}") for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise Usage(f"{path} has no ids")
    return found


def _id(word: str, what: str) -> int:
    if not re.fullmatch(r"-?\d+", word) or not IDS[0] <= int(word) <= IDS[1]:
        raise Usage(f"{what} is no BIGINT")
    return int(word)
