"""How a case ended for a tool, and the tool's own words for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..measure import Sample

YES, NO, NONE, LATER = "yes", "no", "–", "not built yet"
MARKS = {YES: "it does", NO: "it doesn't", NONE: "it has nothing for it", LATER: "to be switched on when rlops has it"}

_TELLING = re.compile(
    r"error|fail|refus|block|exist|lock|differ|checksum|denied|duplicate|unsafe|pending", re.IGNORECASE
)
_ERROR = re.compile(r"^(unexpected )?(error|failed|refused|denied|blocked|interrupted)\b", re.IGNORECASE)
_FINAL = re.compile(r"push complete|differences found", re.IGNORECASE)
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (\[\w+\]\s*)?")
_BANNER = re.compile(
    r"^[#\s]*$|^##|newer than this version|allow-auto-inc|^\s+at |Skipping auto-reg|^For more information|^next: "
)
_FOLDER = re.compile(r"/[^\s:]+/(?=(sql|shop)/)")  # the temporary one
LONGEST = 260  # characters of a tool's words


@dataclass(frozen=True)
class Outcome:
    """What `tool` did where `asked` says what was asked of it; `mark` is one of MARKS."""

    asked: str
    tool: str
    mark: str
    text: str


def words(sample: Sample) -> str:
    """Its own words for how it ended: the line that tells most, shortened."""
    lines = [_STAMP.sub("", line).strip() for line in (sample.stderr + "\n" + sample.stdout).splitlines()]
    lines = [line for line in lines if line and not _BANNER.search(line)] or ["nothing"]
    patterns = (_ERROR, _TELLING) if sample.code else (_FINAL,)
    chosen = next((line for pattern in patterns for line in lines if pattern.search(line)), lines[-1])
    chosen = _FOLDER.sub("", chosen)
    return "“" + (chosen if len(chosen) <= LONGEST else chosen[:LONGEST] + "…") + "”"


def told(sample: Sample) -> str:
    """Its exit code and its words."""
    return f"{sample.exit}, {words(sample)}"
