"""Removing expired rows while the shop writes: one big DELETE, rlops' chunks with and without an archive, pt-archiver's."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import load, peers, tools
from .measure import percentile, ratio, run
from .options import Options
from .report import Table, say
from .servers import TABLES, Schema, place
from .traffic import Seen, Writer, beside

LONGEST = 1800.0  # seconds for one removal
QUIET_FOR = 3.0  # seconds of writing with nothing else going on
MONTHS = 12
INTERACTIONS = TABLES[0]
ARCHIVED = "rlops cleanup, archived and read back"
BY_MONTHS = "rlops cleanup of partitions, archived and read back"


@dataclass(frozen=True)
class Result:
    """`rows` removed, and what the writer saw meanwhile."""

    rows: int
    seen: Seen

    @property
    def rate(self) -> float:
        return self.rows / self.seen.seconds


def measure(options: Options) -> Iterator[Table]:
    """One line a way of removing; the quotient is the rows a second of rlops with its archive in parts of that one's."""
    expired = options.rows // 3
    columns = ("way", "rows", "seconds", "rows/s", "rlops ÷ it", "writes", "p50 ms", "p99 ms", "max ms")
    with place(options.engine) as server:
        title = f"Removing {expired:,} of {options.rows:,} interactions on {server.engine}, while one client inserts"
        table, found = Table(title, columns), {}
        for name, way in _ways(options.folder).items():
            say(f"   {name}: loading {options.rows:,} rows")
            schema = server.schema()
            tools.run_rlops(schema, options.folder, "migrate")  # an archive belongs to an installation
            load.fill(schema, options.rows, expired=expired)
            if name == BY_MONTHS:
                tools.run_rlops(schema, options.folder, "partition", "enable", "--offline", "--confirm", schema.name)
            say(f"   {name}: removing")
            found[name] = _carried_out(schema, way, expired)
            server.drop(schema)
    ours = found[ARCHIVED].rate
    for name, result in found.items():
        removed = (f"{result.rows:,}", f"{result.seen.seconds:.1f}", f"{result.rate:,.0f}", ratio(ours, result.rate))
        figures = removed if result.rows else ("–",) * 4
        times = [f"{percentile(result.seen.latencies, percent) * 1000:.1f}" for percent in (50, 99, 100)]
        table.add(name, *figures, len(result.seen.latencies), *times)
    table.notes += _notes(found)
    yield table


def _notes(found: dict[str, Result]) -> list[str]:
    notes = [
        "Each way has its own schema, loaded alike; the time is that of the whole process, its start included"
        " (the big DELETE runs on an open connection).",
        "pt-archiver runs as --purge --bulk-delete --limit 2000 --commit-each.",
    ]
    if failed := sum(result.seen.errors for result in found.values()):
        notes.append(f"{failed} of the writer's inserts failed.")
    if not any(name.startswith("pt-archiver") for name in found):
        notes.append("NOT MEASURED: pt-archiver can't be had here.")
    return notes


def _ways(folder: Path) -> dict[str, Callable[[Schema], None]]:
    ways: dict[str, Callable[[Schema], None]] = {
        "nothing (the writer alone)": lambda _: time.sleep(QUIET_FOR),
        "one DELETE": _one_delete,
        "rlops cleanup --no-archive": lambda schema: _rlops(schema, folder, "--no-archive"),
        ARCHIVED: lambda schema: _rlops(schema, folder, "--to", str(folder / schema.name)),
        BY_MONTHS: lambda schema: _rlops(schema, folder, "--to", str(folder / schema.name)),
    }
    if found := peers.find("percona-toolkit"):
        ways["pt-archiver"] = lambda schema: _pt_archiver(schema, found, folder)
        ways["pt-archiver --file"] = lambda schema: _pt_archiver(
            schema, found, folder, "--file", str(folder / "%D.txt")
        )
    return ways


def _carried_out(schema: Schema, way: Callable[[Schema], None], expired: int) -> Result:
    seen = beside(Writer(schema), partial(way, schema))
    left = schema.count(INTERACTIONS, f"timestamp < {_cutoff(schema)}")
    if left not in (0, expired):
        raise RuntimeError(f"{left:,} of {expired:,} expired rows are left")
    return Result(expired - left, seen)


def _cutoff(schema: Schema) -> str:
    first = schema.column(f"SELECT DATE_FORMAT(NOW() - INTERVAL {MONTHS} MONTH, '%Y-%m-01')")[0]
    return f"'{first}'"


def _one_delete(schema: Schema) -> None:
    schema.execute(f"DELETE FROM {INTERACTIONS} WHERE timestamp < {_cutoff(schema)}")


def _rlops(schema: Schema, folder: Path, *how: str) -> None:
    options = ("--months", str(MONTHS), "--confirm", schema.name)
    tools.run_rlops(schema, folder, "cleanup", *how, *options, seconds=LONGEST)


def _pt_archiver(schema: Schema, found: Path, folder: Path, *more_options: str) -> None:
    command, more = peers.percona_toolkit(found, "pt-archiver")
    source = f"h=127.0.0.1,P={schema.port},u=root,D={schema.name},t={INTERACTIONS}"
    how = ("--purge", "--bulk-delete", "--limit", "2000", "--commit-each", "--no-check-charset", "--no-version-check")
    where = ("--where", f"timestamp < {_cutoff(schema)}")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **more}
    run(
        (*command, "--source", source, *where, *how, *more_options),
        cwd=folder,
        environment=environment,
        seconds=LONGEST,
    ).checked("pt-archiver")
