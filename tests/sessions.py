"""Other sessions that are in rlops' way or that it must not hold up, and rlops as a process that can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest

from rlops import db
from rlops.db import Database
from rlops.sandbox.server import RunningServer
from rlops.settings import resolve

PATIENCE = 60  # seconds until a wait is a failure

# rlops that stops itself, as SIGSTOP does, before the N-th call of a function.
STOPPING = """
import importlib, itertools, os, signal, sys
module, name = sys.argv[1].split(":")
owner = importlib.import_module(module)
*path, last = name.split(".")
for each in path:
    owner = getattr(owner, each)
calls, function = itertools.count(1), getattr(owner, last)
def stopping(*arguments, **named):
    if next(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGSTOP)
    return function(*arguments, **named)
setattr(owner, last, stopping)
from rlops.__main__ import main
main(sys.argv[3:])
"""

# rlops on a disk that takes no file of more than so many bytes.
CRAMPED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
from rlops.__main__ import main
main(sys.argv[2:])
"""


@pytest.fixture
def ours(database):
    """A schema on a server of ours that listens on TCP, MySQL or MariaDB."""
    if not isinstance(database.server, RunningServer) or database.server.port is None:
        pytest.skip("wants MySQL or MariaDB of ours")
    return database


def connect(database: Any) -> AbstractContextManager[Database]:
    """A session as rlops' commands have one."""
    by_socket = {"socket": str(getattr(database.server, "socket", "")), "user": "root", "database": database.name}
    given = {"url": database.url} if database.url else by_socket
    target = resolve(given, environ={}, cwd=database.home, home=database.home)
    return db.connect(target, program="test")


def begin(database: Any, *arguments: str) -> subprocess.Popen[str]:
    """rlops as a process of its own, its answer as JSON."""
    return _started(database, ("-m", "rlops"), arguments)


def stopped(database: Any, before: str, number: int, *arguments: str) -> subprocess.Popen[str]:
    """The same, standing still before the N-th call of a function (`module:Class.name`) until it gets a SIGCONT."""
    process = _started(database, ("-c", STOPPING, before, str(number)), arguments)
    until(lambda: process.poll() is not None or _state(process) == "T", f"it stands still before {before}")
    assert process.poll() is None, process.communicate()
    return process


def killed(database: Any, before: str, *arguments: str) -> None:
    """The same, killed where it stands still, before the first call of a function."""
    process = stopped(database, before, 1, *arguments)
    process.kill()
    process.communicate()


def cramped(database: Any, most: int, *arguments: str) -> Any:
    """The JSON document of a run that can write no file of more than so many bytes."""
    return answer(_started(database, ("-B", "-c", CRAMPED, str(most)), arguments))


def _state(process: subprocess.Popen[str]) -> str:
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


def _started(database: Any, how: tuple[str, ...], arguments: tuple[str, ...]) -> subprocess.Popen[str]:
    command = [sys.executable, *how, *arguments, "--output", "json", *database.options]
    env = {"PATH": os.environ["PATH"], "HOME": str(database.home), "LANG": "C.UTF-8"}
    return subprocess.Popen(
        command, cwd=database.home, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def answer(process: subprocess.Popen[str]) -> Any:
    """Wait for its end; its JSON document."""
    stdout, stderr = process.communicate(timeout=PATIENCE * 2)
    assert stdout, f"exit {process.returncode}, nothing on stdout; stderr: {stderr}"
    return json.loads(stdout)


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Poll until it is true; returns what it gave."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.05)
    return found


class Holder:
    """A session with an open transaction that holds a lock. While `busy` it never looks idle to the process list."""

    def __init__(self, database: Any, *statements: str, busy: bool = False) -> None:
        self._connection = database.connect(autocommit=False, ssl_disabled=True)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_busy, daemon=True)
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                cursor.fetchall()
        self.id: int = self._connection.thread_id()
        if busy:
            self._thread.start()

    def _keep_busy(self) -> None:
        with self._connection.cursor() as cursor:
            while not self._stop.wait(0.1):
                cursor.execute("DO 0")

    def end(self, *, commit: bool = False) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        if commit:
            self._connection.commit()
        self._connection.close()


class Readers:
    """Sessions that read one statement over and over: how often, the longest wait in seconds, and their errors."""

    def __init__(self) -> None:
        self.count, self.longest = 0, 0.0
        self.errors: list[pymysql.err.MySQLError] = []


@contextmanager
def readers(database: Any, sql: str, sessions: int = 4) -> Iterator[Readers]:
    seen, stop = Readers(), threading.Event()

    def read(connection: Any) -> None:
        with connection.cursor() as cursor:
            while not stop.wait(0.005):
                began = time.monotonic()
                try:
                    cursor.execute(sql)
                    cursor.fetchall()
                except pymysql.err.MySQLError as error:
                    seen.errors.append(error)
                    return
                seen.longest = max(seen.longest, time.monotonic() - began)
                seen.count += 1

    opened = [database.connect(ssl_disabled=True) for _ in range(sessions)]
    threads = [threading.Thread(target=read, args=(connection,), daemon=True) for connection in opened]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
