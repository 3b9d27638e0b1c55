"""A server's process: started so that it can't outlive its owner, unless it is meant to, and found again by another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from rlops.errors import Failed

# Asks the kernel for SIGKILL at the parent's death, makes sure that the parent isn't dead by then, and becomes the
# server. A program of its own, since Python 3.12 warns of code that runs between fork and exec beside other threads.
TIE = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""

# The kernel sends that signal when the *thread* that forked ends, so one thread forks every server, and it lives as
# long as this process.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rlops-spawner")


@dataclass(frozen=True)
class Process:
    """A process by its id and by when it was born (clock ticks since boot), since ids are used again."""

    pid: int
    born: int
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False, compare=False)

    def alive(self) -> bool:
        """Whether this very process still runs."""
        if self._child:  # poll() also buries it: a server that restarts takes a corpse's id for a running one
            return self._child.poll() is None
        return _born(self.pid) == self.born

    def stop(self, patience: float) -> None:
        """SIGTERM, and SIGKILL after `patience` seconds. Nothing happens if it has ended."""
        self._signal(signal.SIGTERM)
        if not self._ended_within(patience):
            self.kill()

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._signal(signal.SIGKILL)
        if not self._ended_within(30):
            raise Failed(f"process {self.pid} doesn't die", hint=f"kill -9 {self.pid}")

    def _signal(self, number: int) -> None:
        if self.alive():
            os.kill(self.pid, number)

    def _ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def spawn(
    command: Sequence[str], log: Path, *, detached: bool, environment: Mapping[str, str], inherited: Sequence[int] = ()
) -> Process:
    """Start `command` in a session of its own, so that neither Ctrl-C nor a closed terminal reaches it.

    Its output is appended to `log`. Unless `detached`, the kernel kills it when this process ends, however it ends.
    Raises Failed when it can't be started.
    """
    if sys.platform != "linux":
        raise Failed("throw-away servers need Linux", hint="use a server of your own with --url")
    tie = () if detached else (sys.executable, "-ISc", TIE, str(os.getpid()))
    with log.open("ab") as output:
        start = _spawner.submit(
            subprocess.Popen,
            [*tie, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env={**os.environ, **environment},
            start_new_session=True,
            pass_fds=inherited,
        )
        try:
            child = start.result()
        except OSError as error:
            raise Failed(f"can't start {command[0]}: {error.strerror}") from error
    return Process(child.pid, _born(child.pid) or -1, child)


def _born(pid: int) -> int | None:
    """None if there is no such process, or if only its corpse is left (without threads that are still dying)."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    threads, born = int(fields[16]), int(fields[18])
    return None if state in "ZX" and threads <= 1 else born
