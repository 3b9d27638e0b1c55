"""First run and no-op of the same three tables, tool by tool, on one server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from . import tools
from .measure import Sample, Times, ratio
from .options import Options
from .report import Table, say
from .servers import TABLES, Place, place

NAMES = ("rlops", "dbmate", "liquibase", "skeema")


def measure(options: Options) -> Iterator[Table]:
    """Wall and CPU seconds of each tool, and rlops' in parts of the tool's."""
    columns = ("tool", "first run, wall", "CPU", "rlops ÷ it", "no-op, wall", "CPU", "rlops ÷ it")
    with place(options.engine) as server:
        table = Table(f"Three tables on {server.engine}: seconds, median (min) of {options.repeats} runs", columns)
        found = _interleaved(server, options)
        ours = found["rlops"]
        for tool, (first, again) in found.items():
            cells: list[object] = []
            for mine, theirs in ((ours[0], first), (ours[1], again)):
                quotient = "–" if tool == "rlops" else ratio(_wall(mine).median, _wall(theirs).median)
                cells += [_wall(theirs), _cpu(theirs), quotient]
            table.add(tool, *cells)
    table.notes.append(
        "The first run has its own schema each time. rlops creates its three journal tables in it, checks parents and"
        " privileges before, and compares every column, index and key after; the others don't, Skeema excepted."
    )
    missing = [name for name in NAMES if name not in {tool.lower() for tool in found}]
    table.notes += [f"NOT MEASURED: {name} can't be had here." for name in missing]
    yield table


def _interleaved(server: Place, options: Options) -> dict[str, tuple[list[Sample], list[Sample]]]:
    """Round by round, so that what else the machine does hits all tools alike."""
    found: dict[str, tuple[list[Sample], list[Sample]]] = {}
    for number in range(options.repeats):
        say(f"   round {number + 1} of {options.repeats}")
        for name in NAMES:
            if measured := _round(server, options.folder, name):
                tool, first, again = measured
                runs = found.setdefault(tool, ([], []))
                runs[0].append(first)
                runs[1].append(again)
    return found


def _round(server: Place, folder: Path, name: str) -> tuple[str, Sample, Sample] | None:
    schema = server.schema()
    try:
        project = tools.all_of(schema, folder / "migrate", name)
        if project is None:
            return None
        first = project.run(project.apply).checked(f"{project.tool}, first run")
        again = project.run(project.apply).checked(f"{project.tool}, no-op")
        if len(schema.tables()) != len(TABLES):
            raise RuntimeError(f"{project.tool} left the tables {schema.tables()}")
        return project.tool, first, again
    finally:
        server.drop(schema)


def _wall(samples: list[Sample]) -> Times:
    return Times(tuple(sample.wall for sample in samples))


def _cpu(samples: list[Sample]) -> Times:
    return Times(tuple(sample.cpu for sample in samples))
