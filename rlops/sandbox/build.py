"""What it takes to start a kind of server, whichever way it was got."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rlops.errors import Failed


@dataclass(frozen=True)
class Build:
    """A server's binaries.

    `family` is "mysql", "mariadb" or "oceanbase" (seekdb); `origin` says in words where the binaries come from;
    `command` starts the server, the options for its own files included; `share` holds its messages and SQL scripts.
    """

    label: str
    family: str
    version: str
    origin: str
    command: tuple[str, ...]
    share: Path

    @property
    def name(self) -> str:
        """For people: "MySQL 9.7.4"."""
        product = {"mysql": "MySQL", "mariadb": "MariaDB"}.get(self.family, "seekdb")
        return f"{product} {self.version}"


def run(
    command: Sequence[str], what: str, hint: str, *, stdin: str = "", environment: Mapping[str, str] | None = None
) -> str:
    """The command's stdout. Raises Failed with the end of its output when it can't run, fails or takes ten minutes."""
    try:
        done = subprocess.run(
            command,
            check=False,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=600,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(f"{what} failed: {error}", hint) from error
    if done.returncode:
        raise Failed(f"{what} failed ({done.returncode}): {tail(done.stderr or done.stdout)}", hint)
    return done.stdout


def tail(text: str, lines: int = 8) -> str:
    """The last lines for a message, those alone that are errors if any says so."""
    said = text.strip().splitlines()
    errors = [line for line in said if line.startswith(("E: ", "ERROR: ")) or "[ERROR]" in line]
    return "\n".join((errors or said)[-lines:])
