"""seekdb, OceanBase's SQL layer in one process, out of the wheel `pylibseekdb`."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import sys
import zipfile
from pathlib import Path

from rlops.errors import Failed
from rlops.sandbox.build import Build, run
from rlops.sandbox.cache import Say, once

LABEL = "seekdb"
VERSION = "1.4.0.post1"
SOCKET = "run/sql.sock"
IN_SERVICE = "SELECT 1 FROM oceanbase.V$OB_SERVER_STAT WHERE START_SERVICE_TIME > 0"
ENVIRONMENT = {"TELEMETRY_ENABLED": "false"}


def provide(folder: Path, say: Say) -> Build:
    """The server out of the wheel, in `folder`."""
    if not folder.exists():
        say(f"fetching seekdb (the wheel pylibseekdb {VERSION}, 54 MB) into {folder}")
    once(folder, _fetch, say)
    server = folder / "pylibseekdb" / "seekdb"
    if not server.exists():
        raise Failed(f"{folder} is damaged", hint=f"rm -r {folder}")
    return Build(LABEL, "oceanbase", VERSION, f"the wheel pylibseekdb {VERSION}", (str(server),), folder)


def _fetch(folder: Path) -> None:
    wheel = f"pylibseekdb=={VERSION}"
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    run([*_pip(), "download", *options, wheel], f"fetching {wheel}", hint="check the network and pip's configuration")
    for path in folder.glob("*.whl"):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        path.unlink()
    (folder / "pylibseekdb" / "seekdb").chmod(0o755)


def _pip() -> list[str]:
    """A virtual environment made by uv has no pip of its own."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if uvx := shutil.which("uvx", path=str(Path(sys.executable).parent)) or shutil.which("uvx"):
        return [uvx, "pip"]
    raise Failed("neither pip nor uv is here to fetch seekdb with", hint=f"{sys.executable} -m ensurepip")


def command(build: Build, directory: Path) -> tuple[str, ...]:
    """Without --embedded it would listen on every address with a passwordless root."""
    return (
        *(*build.command, f"--base-dir={directory}", "--embedded", "--nodaemon"),
        *("--parameter", "memory_budget=1G", "--parameter", "log_disk_size=2G", "--parameter", "syslog_level=ERROR"),
    )


def hold(directory: Path) -> int:
    """A descriptor with the lock that the server must see held to stay up; it inherits it, and so holds it itself."""
    clients = directory / "run" / "seekdb.clients"
    clients.parent.mkdir(exist_ok=True)
    descriptor = os.open(clients, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor
