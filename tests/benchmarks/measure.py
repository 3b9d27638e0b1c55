"""Run programs, and say how long they took: wall and CPU seconds, medians and ratios."""

from __future__ import annotations

import os
import resource
import signal
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

LONGEST = 600.0  # seconds that any one program may take


@dataclass(frozen=True)
class Sample:
    """One run of a program. `wall` and `cpu` are seconds; `code` is None when it had to be killed."""

    wall: float
    cpu: float
    code: int | None
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def exit(self) -> str:
        """For people: "exit 0", or "killed"."""
        return "killed" if self.code is None else f"exit {self.code}"

    def checked(self, what: str) -> Self:
        """This very sample. Raises RuntimeError with the program's words if it failed."""
        if self.code != 0:
            raise RuntimeError(f"{what}: {self.exit}: {self.output.strip()[-800:]}")
        return self


class Running:
    """A program that runs in the background, in a session of its own; at the block's end it is dead in any case."""

    def __init__(self, command: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> None:
        self.began, self._cpu = time.perf_counter(), _children_cpu()
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def finish(self, seconds: float = LONGEST) -> Sample:
        """Wait at most `seconds` from now, then kill it. The CPU time is right when nothing else ran meanwhile."""
        killed = False
        try:
            stdout, stderr = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            killed = True
            self.kill()
            stdout, stderr = self.process.communicate()
        code = None if killed else self.process.returncode
        return Sample(time.perf_counter() - self.began, _children_cpu() - self._cpu, code, stdout, stderr)

    def ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> None:
        """SIGKILL to it and to all that it started."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


def run(
    command: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None, seconds: float = LONGEST
) -> Sample:
    """Run a program to its end, or for `seconds`."""
    with Running(command, cwd, os.environ if environment is None else environment) as running:
        return running.finish(seconds)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Times:
    """Repeated measurements of one thing, in seconds."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def least(self) -> float:
        return min(self.seconds)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f})"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of them don't exceed (nearest rank); 0 for none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def ratio(ours: float, theirs: float) -> str:
    """`ours` in parts of `theirs`: "0.40×"."""
    return f"{ours / theirs:.2f}×" if theirs else "–"
