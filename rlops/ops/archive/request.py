"""What a command that writes to the archive was asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from rlops.errors import Refused
from rlops.plan import Answer

RECORD = "archive/005_record"


@dataclass(frozen=True)
class Request:
    """`to` is an absolute destination or None, `default` the one of a development run."""

    environment: str
    months: int | None = None
    to: str | None = None
    default: str = ""
    moved: bool = False
    now: datetime | None = None


def refuse_now(request: Request) -> None:
    """Refuse another clock than the server's in production."""
    if request.now is not None and request.environment == "production":
        raise Refused(
            "--now is for development; in production the server's clock counts",
            "Nothing was changed.",
            "now_in_production",
        )


def nothing_to_do(answer: Answer, why: str) -> Answer:
    """What is said when nothing was due, but perhaps to record the archive, or to take it over."""
    taken = "The archive on record is this server's. " if answer.steps else ""
    return replace(answer, headline=f"{taken}Nothing to do: {why}.")
