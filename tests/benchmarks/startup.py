"""How much CPU time passes until the command line answers, beside Python's own start."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .measure import Times, ratio, run
from .options import Options
from .report import Table

AIM = 0.3  # CPU seconds
PROGRAM = Path(sys.executable).with_name("rlops")
RUNS = 3  # times --repeats, since one takes less than a second
IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| (\s*)(\S+)")


def measure(options: Options) -> Iterator[Table]:
    """One line a command; the last column is the share of the aim."""
    table = Table(
        "Start of the command line, CPU seconds",
        ("command", "median", "min", "wall median", "÷ python", "÷ aim of 0.3 s"),
    )
    python = (sys.executable, "-c", "pass")
    commands = {
        "python -c pass": python,
        "rlops --version": (str(PROGRAM), "--version"),
        "rlops --help": (str(PROGRAM), "--help"),
        "rlops migrate --help": (str(PROGRAM), "migrate", "--help"),
        "rlops monitor --help": (str(PROGRAM), "monitor", "--help"),
    }
    baseline = 0.0
    for name, command in commands.items():
        cpu, wall = _times(command, options.repeats * RUNS, options.folder)
        baseline = baseline or cpu.median
        aim = ratio(cpu.median, AIM) if command is not python else "–"
        table.add(name, f"{cpu.median:.3f}", f"{cpu.least:.3f}", f"{wall.median:.3f}", ratio(cpu.median, baseline), aim)
    for name in ("rlops --version", "rlops --help"):
        worst = ", ".join(
            f"{module} {seconds * 1000:.0f} ms" for module, seconds in _imports(commands[name], options.folder)
        )
        table.notes.append(f"The three costliest imports of `{name}`, with what they import: {worst}.")
    yield table


def _times(command: Sequence[str], runs: int, folder: Path) -> tuple[Times, Times]:
    run(command, cwd=folder).checked(command[0])  # compiles what isn't compiled yet
    samples = [run(command, cwd=folder).checked(command[0]) for _ in range(runs)]
    return Times(tuple(sample.cpu for sample in samples)), Times(tuple(sample.wall for sample in samples))


def _imports(command: Sequence[str], folder: Path) -> list[tuple[str, float]]:
    """The three packages that take longest to import, their own imports included: (name, seconds).

    The least deep line of each top-level package counts, so that rlops, which imports them all, stays out.
    """
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    printed = run(command, cwd=folder, environment=environment).checked(command[0]).stderr
    spent: dict[str, float] = {}
    for _, cumulative, _, module in IMPORT.findall(printed):
        if module.split(".")[0] not in ("rlops", "site", "encodings"):
            spent[module] = int(cumulative) / 1e6
    # A package is named once, by its costliest part.
    best: dict[str, tuple[str, float]] = {}
    for module, seconds in spent.items():
        package = module.split(".")[0]
        if seconds > best.get(package, ("", 0.0))[1]:
            best[package] = (module, seconds)
    return sorted(best.values(), key=lambda each: -each[1])[:3]
