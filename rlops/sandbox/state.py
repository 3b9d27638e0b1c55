"""The sandbox of a working folder: a server that stays, and the file in that folder which leads to it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rlops.errors import Refused
from rlops.sandbox import STATE, shop
from rlops.sandbox.cache import Say
from rlops.sandbox.server import RunningServer, attach

PURPOSE = "sandbox"
CLEAN_UP = "`rlops sandbox stop` removes what is left of it, `rlops sandbox start` brings it back."


def settings_of(cwd: Path) -> Mapping[str, str] | None:
    """How to reach the sandbox of this folder; None if it has none.

    Raises Refused when there is one and its server is dead, or when its file can't be trusted or understood.
    """
    server = read(cwd)
    if server is None:
        return None
    if not server.alive():
        raise Refused(f"the sandbox of this folder ({STATE}) is not running", CLEAN_UP, "sandbox_dead")
    return {"socket": str(server.socket), "user": server.user, "database": shop.SCHEMA, "environment": "development"}


def read(cwd: Path) -> RunningServer | None:
    """The server that the state file leads to, dead or alive; None without the file.

    Raises Refused when the file is another user's, or is not what `write` makes.
    """
    path = cwd / STATE
    try:
        with path.open(encoding="utf-8") as file:
            owner = os.fstat(file.fileno()).st_uid
            record = json.load(file)
        if owner == os.geteuid():
            return attach(record)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"{path} can't be read as a sandbox's state", f"Remove it: rm {path}", "sandbox_state") from error
    raise Refused(f"{path} belongs to another user", "Use a folder of your own.", "sandbox_state")


def write(cwd: Path, server: RunningServer) -> None:
    """Keep what leads back to the server, for this user alone."""
    half = cwd / f"{STATE}.half"
    half.unlink(missing_ok=True)
    half.touch(mode=0o600, exist_ok=False)
    half.write_text(json.dumps(server.record(), indent=2) + "\n", encoding="utf-8")
    half.rename(cwd / STATE)


def start(cwd: Path, engine: str | None, say: Say) -> tuple[RunningServer, bool]:
    """The folder's sandbox, running, and whether it had to be started. A dead one comes back with its data.

    Raises Refused when one of another engine is there, Failed when no server can be had or started.
    """
    with _alone(cwd):
        server = read(cwd)
        if server is None:
            server = shop.open_shop(shop.new_directory(PURPOSE), engine, detached=True, say=say)
            return _kept(cwd, server), True
        if engine not in (None, server.label, server.family) and shop.ENGINES.get(engine or "") != server.label:
            raise Refused(
                f"a sandbox of {shop.describe(server)} is in this folder", "`rlops sandbox stop` removes it.", "sandbox"
            )
        if server.alive():
            return server, False
        say("starting the dead sandbox again, on its data")
        server.launch()
        return _kept(cwd, server), True


def stop(cwd: Path) -> bool:
    """Stop the folder's sandbox and remove its data and its state. False if there is none."""
    with _alone(cwd):
        server = read(cwd)
        if server is None:
            return False
        server.stop()
        # The folder's name stands in a file that anybody may have edited.
        if server.directory.name.startswith(f"rlops-{PURPOSE}-"):
            shutil.rmtree(server.directory, ignore_errors=True)
        (cwd / STATE).unlink(missing_ok=True)
        return True


def _kept(cwd: Path, server: RunningServer) -> RunningServer:
    try:
        write(cwd, server)
    except BaseException:
        server.close()
        raise
    return server


@contextmanager
def _alone(cwd: Path) -> Iterator[None]:
    """One start or stop at a time in this folder."""
    folder = os.open(cwd, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
