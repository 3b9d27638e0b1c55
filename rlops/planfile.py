"""A plan as a file that people review and that another run is held to."""

from __future__ import annotations

import difflib
import hashlib
import re
from pathlib import Path

from rlops import __version__
from rlops.errors import Refused, Usage
from rlops.plan import Answer

_HASH = re.compile(r"[0-9a-f]{16}")
_FIRST = re.compile(r"-- rlops plan ([0-9a-f]{16})\b")
_SCHEMA = re.compile(r"^-- schema: (.*)$", re.MULTILINE)
_SEAL = re.compile(r"^-- sha256 of what follows: ([0-9a-f]{64})$", re.MULTILINE)


def body(answer: Answer) -> str:
    """The statements of a planned answer, each with what it needs and locks."""
    parts = []
    for number, step in enumerate(answer.steps, 1):
        lines = [f"-- {number}. {step.name} ({step.file}.sql)"]
        said = (("needs", step.needs), ("locks", step.locks), ("algorithm", step.algorithm))
        lines += [f"--    {label}: {text}" for label, text in said if text]
        parts.append("\n".join([*lines, step.sql.rstrip() + ";"]))
    return "\n\n".join(parts) + ("\n" if parts else "")


def write(path: Path, answer: Answer, again: str, *, place: str, schema: str, actor: str) -> None:
    """Write the plan of what is typed as `again`. Raises Usage when the file can't be written."""
    text = body(answer)
    seal = hashlib.sha256(text.encode()).hexdigest()
    head = (
        f"-- rlops plan {answer.plan_hash}\n-- command: rlops {answer.command}\n-- target: {place}\n"
        f"-- schema: {schema}\n"
        f"-- made by: {actor} with rlops {__version__}\n"
        f"-- to run exactly this: {again} --plan {path.name}, with the same options\n-- sha256 of what follows: {seal}\n\n"
    )
    try:
        path.write_text(head + text, encoding="utf-8")
    except OSError as error:
        raise Usage(f"--plan-out {path}: can't be written ({error.strerror})") from error


def check(given: str, answer: Answer, again: str, schema: str) -> None:
    """Hold a plan for `schema` to the reviewed one, a file or a hash.

    Raises Usage when it is neither, Refused when the file was edited or made for another schema, or when the plan is
    another one by now.
    """
    path = Path(given)
    if not path.exists():
        if not _HASH.fullmatch(given):
            raise Usage(f"--plan {given}: there is no such file, and it is not a plan's hash")
        reviewed, text = given, ""
    else:
        reviewed, text = _read(path, schema)
    if reviewed != answer.plan_hash:
        diff = "\n".join(
            difflib.unified_diff(text.splitlines(), body(answer).splitlines(), "reviewed", "now", lineterm="", n=1)
        )
        raise Refused(
            f"what would be run now (plan {answer.plan_hash}) is not what was reviewed (plan {reviewed}). Nothing was changed"
            + (f"\n{diff}" if text else ""),
            f"Make and review it anew: `{again} --dry-run --plan-out FILE`, with the same options.",
            "plan_differs",
        )


def _read(path: Path, schema: str) -> tuple[str, str]:
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"--plan {path}: can't be read ({error})") from error
    first, seal = _FIRST.match(content), _SEAL.search(content)
    if not first or not seal:
        raise Usage(f"--plan {path}: is not a plan that `--plan-out` wrote")
    meant = _SCHEMA.search(content[: seal.start()])
    if meant and meant[1] != schema:
        raise Refused(
            f"{path} was made for the schema {meant[1]}, and this is {schema}. Nothing was changed",
            "Make and review one for it with --dry-run --plan-out FILE.",
            "plan_target",
        )
    text = content[seal.end() :].lstrip("\n")
    if hashlib.sha256(text.encode()).hexdigest() != seal[1]:
        raise Refused(
            f"{path} was edited after it was written. Nothing was changed",
            "Make it anew with --plan-out.",
            "plan_edited",
        )
    return first[1], text
