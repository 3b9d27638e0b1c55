"""The ways in which rlops ends, and the exit code of each."""

from __future__ import annotations

import os
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes of the process; scripts rely on them."""

    OK = 0
    FAILED = 1
    USAGE = 2
    FINDINGS = 3
    DENIED = 4
    REFUSED = 5
    BLOCKED = 6
    INTERRUPTED = 130

    @property
    def status(self) -> str:
        """The word for this end in the JSON document."""
        return "failed" if self is Exit.USAGE else self.name.lower()


class RlopsError(Exception):
    """What happened, and in `hint` the next command to type. Never shown with a traceback.

    `data` is what the command's JSON carries beside the error, findings for instance.
    """

    exit = Exit.FAILED

    def __init__(self, message: str, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or type(self).__name__.lower()
        self.data: dict[str, Any] = {}


class Usage(RlopsError):
    """The command line or the configuration can't be understood."""

    exit = Exit.USAGE


class Denied(RlopsError):
    """No connection, no authentication, or a missing privilege."""

    exit = Exit.DENIED


class Refused(RlopsError):
    """A safety rule says no; nothing was changed."""

    exit = Exit.REFUSED


class Blocked(RlopsError):
    """Another run, or another session's lock, is in the way; nothing was changed."""

    exit = Exit.BLOCKED


class Interrupted(RlopsError):
    """Ctrl-C or SIGTERM, after the statement or chunk was finished."""

    exit = Exit.INTERRUPTED


class Pending(RlopsError):
    """The time given to this run is over; what it did is whole, and there is more to do."""

    exit = Exit.FINDINGS


class Failed(RlopsError):
    """The operation failed; the message says what is applied and what isn't."""


def unexpected(error: Exception) -> RlopsError:
    """What is told of a fault in rlops itself. Raises it as it is where RLOPS_TRACEBACK is set."""
    if os.environ.get("RLOPS_TRACEBACK"):
        raise error
    return RlopsError(
        f"rlops met something that it was not built for ({type(error).__name__}: {error})",
        "Run the command again with RLOPS_TRACEBACK=1 and report what it prints; `rlops history` tells what was applied.",
        "unexpected",
    )
