"""The whole life of the tables, played with the real command line on a throw-away server."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rlops.errors import Exit
from rlops.sandbox import shop, state
from rlops.sandbox.cache import Say

# All that a child sees of this environment: nothing that could lead it to another server.
PASSED_ON = (
    "PATH", "LANG", "LANGUAGE", "TZ", "TERM", "COLORTERM", "COLUMNS", "LINES", "NO_COLOR", "TMPDIR",
    "PYTHONPATH", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONDONTWRITEBYTECODE",
)  # fmt: skip


PATIENCE = 20.0  # seconds that an interrupted command has for its statement or chunk


@dataclass(frozen=True)
class Scene:
    """One command of the demo, why it is there, and the exit code that belongs to the story."""

    arguments: tuple[str, ...]
    why: str
    ends: Exit = Exit.OK

    def __str__(self) -> str:
        return " ".join(("rlops", *self.arguments))


@dataclass(frozen=True)
class Played:
    """How a command of the demo ended, and how it should have; `seconds` is wall time."""

    command: str
    exit_code: int
    seconds: float
    expected: int = 0


def _scene(command: str, why: str, ends: Exit = Exit.OK) -> Scene:
    return Scene(tuple(command.split()), why, ends)


SCENES = (
    _scene("doctor", "Can this account do what the commands need, on this server?"),
    _scene("migrate", "Create the three tables beside the shop's own."),
    _scene("grant", "Let the shop's application work with them, and no more than that."),
    _scene("verify --smoke", "Are they as declared, and do the foreign keys refuse unknown users and products?"),
    _scene("seed --rows 200000 --months 18", "Eighteen months of synthetic traffic, as a shop would have it."),
    _scene(
        "monitor",
        "How big are they, how fast do they grow, and what is to be done? (Exit 3: retention is late.)",
        Exit.FINDINGS,
    ),
    _scene("archive run", "Copy the months older than six to cold storage, and read every file back."),
    _scene("cleanup --months 12 --yes", "Delete what is past its retention: only rows that a verified file holds."),
    _scene("monitor", "What is left."),
    _scene("rollback --yes", "Something is wrong with the release: keep every row, remove the tables."),
    _scene("restore", "It wasn't our release: bring the tables back, with their keys."),
    _scene("verify", "All is as declared again."),
)

Show = Callable[[Scene], None]


@dataclass(frozen=True)
class Performance:
    """A whole demo: the server it ran on, and the commands up to the first that failed."""

    server: str
    played: tuple[Played, ...]

    @property
    def failed(self) -> Played | None:
        """The command that failed, if one did."""
        return next((played for played in self.played if played.exit_code != played.expected), None)


def play(engine: str | None, show: Show, say: Say, output: IO[str], options: Mapping[str, str]) -> Performance:
    """Start a server, play the scenes up to the first that fails, and leave nothing behind, however it ends.

    `show` announces each scene, `say` hears which server it is and why; the commands write to `output`, and get
    `options` as variables. Raises Failed when there is no server, KeyboardInterrupt on a signal.
    """
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    directory = shop.new_directory("demo")
    server, played = None, []
    try:
        server = shop.open_shop(directory / "server", engine, detached=False, say=say)
        cwd = directory / "cwd"
        environment = _environment(cwd, options)
        state.write(cwd, server)
        for scene in SCENES:
            show(scene)
            played.append(_play(scene, cwd, environment, output))
            if (
                played[-1].exit_code == Exit.INTERRUPTED
            ):  # Ctrl-C reaches the command, too, and it may be heard there first
                raise KeyboardInterrupt
            if played[-1].exit_code != scene.ends:
                break
        return Performance(shop.describe(server), tuple(played))
    finally:
        with _undisturbed():
            if server:
                server.close()
            shutil.rmtree(directory, ignore_errors=True)


def _environment(cwd: Path, options: Mapping[str, str]) -> dict[str, str]:
    """The variables of the commands, and the folder they run in: a home without option files, an empty rlops.toml."""
    cwd.mkdir()
    (cwd / "rlops.toml").touch()
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
    return kept | {"HOME": str(cwd), "RLOPS_CONFIG": str(cwd / "rlops.toml")} | dict(options)


def _play(scene: Scene, cwd: Path, environment: Mapping[str, str], output: IO[str]) -> Played:
    began = time.monotonic()
    command = [sys.executable, "-m", "rlops", *scene.arguments]
    with subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=output) as child:
        try:
            code = child.wait()
        except BaseException:
            with _undisturbed():
                _end(child)
            raise
    return Played(str(scene), code, round(time.monotonic() - began, 1), scene.ends)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals that would end this process are ignored while the block cleans up."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
