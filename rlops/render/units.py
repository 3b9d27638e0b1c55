"""The lines that make another program run `rlops maintain` every month: cron's, systemd's."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

AT = "03:00"  # on the first of the month, when a further month has become due


def _words(profile: str) -> list[str]:
    program = shutil.which(sys.argv[0])
    start = [str(Path(program).absolute())] if program else [sys.executable, "-m", "rlops"]
    return [*start, "maintain", "--profile", profile, "--yes", "--quiet"]


def cron(profile: str) -> str:
    """A crontab's line; cron mails what it prints, and its per cent sign is a newline unless it is escaped."""
    hour, minute = AT.split(":")
    line = f"cd {shlex.quote(str(Path.cwd()))} && {shlex.join(_words(profile))}"
    return f"{int(minute)} {int(hour)} 1 * * {line}".replace("%", r"\%")


def systemd(profile: str) -> str:
    """A service and its timer, one file behind the other, each under its name."""
    name = f"rlops-maintain-{''.join(c if c.isalnum() else '-' for c in profile)}"
    words = " ".join(_quoted(word) for word in _words(profile))
    return (
        f"# /etc/systemd/system/{name}.service\n[Unit]\nDescription=rlops maintain --profile {_percent(profile)}\n"
        f"Wants=network-online.target\nAfter=network-online.target\n\n[Service]\nType=oneshot\n"
        f"WorkingDirectory={_percent(str(Path.cwd()))}\nExecStart={words}\n\n"
        f"# /etc/systemd/system/{name}.timer\n[Unit]\nDescription=rlops maintain --profile {_percent(profile)}, every month\n\n"
        f"[Timer]\nOnCalendar=*-*-01 {AT}\nPersistent=true\n\n[Install]\nWantedBy=timers.target"
    )


def _percent(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(word: str) -> str:
    escaped = _percent(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'
