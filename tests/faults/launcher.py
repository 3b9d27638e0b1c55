"""Starts rlops as a process of its own, many times and quickly: forked from a process that has imported it already.

As a program it is that process: it reads one JSON object a line, forks, and says the process id and then how it ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

COMMANDS = ("migrate", "grant", "rollback", "restore", "archive", "cleanup", "purge", "partition")


class Launcher:
    """Runs one rlops at a time; kill it by the id that `begin` returns, and get its exit code from `end`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def begin(self, arguments: tuple[str, ...], home: Path, env: Mapping[str, str]) -> int:
        assert self._process.stdin
        order = {"arguments": arguments, "home": str(home), "env": dict(env)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._said())

    def end(self) -> int:
        """The exit code of the run, negative for a signal, once it has ended and is reaped."""
        return int(self._said())

    def _said(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the launcher died"
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)


def _child(order: dict[str, Any]) -> None:
    from rlops.__main__ import main

    home = Path(order["home"])
    os.chdir(home)
    os.environ.clear()
    os.environ.update(order["env"])
    for number, name in ((0, os.devnull), (1, "stdout"), (2, "stderr")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(name if number == 0 else home / name, flags), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    code = 70
    try:
        main(order["arguments"])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:  # never back into the loop of the parent
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _serve() -> None:
    import importlib

    importlib.import_module("rlops.cli.entry")
    for name in COMMANDS:
        importlib.import_module(f"rlops.cli.{name}")
    importlib.import_module("pymysql")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _child(json.loads(line))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
