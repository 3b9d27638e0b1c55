"""Copying old rows out: rlops archive run, which reads everything back, beside a dump and a plain loop; and what a row costs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow.parquet

from . import load, peers, tools
from .measure import Times, ratio, run
from .options import Options
from .report import Table, say
from .servers import TABLES, Place, Schema, place

LONGEST = 3600.0  # seconds for one run
MONTHS = 12  # the expired rows of `load` are older, the others are not
INTERACTIONS = TABLES[0]
OURS = "rlops archive run, read back and compared"
COSTS = ("rows", "of them archived", "archive s", "cleanup s", "nothing to do s", "archive µs/row", "cleanup µs/row")
# A way: writes the rows to a folder, and returns the seconds that it took.
Way = Callable[[Schema, Path], float]


def measure(options: Options) -> Iterator[Table]:
    """The ways beside each other, and then the cost of a row in tables of several sizes."""
    with place(options.engine) as server:
        yield _beside(server, options)
        yield _by_size(server, options)


def _beside(server: Place, options: Options) -> Table:
    expired = options.rows // 3
    schema = _loaded(server, options.rows, expired)
    seconds: dict[str, list[float]] = {}
    written: dict[str, int] = {}
    for number in range(options.repeats):  # in turn, so that all of them see the same machine
        for name, way in _ways(options.folder).items():
            say(f"   {number + 1} of {options.repeats}: {name}")
            folder = options.folder / "out"
            folder.mkdir()
            seconds.setdefault(name, []).append(way(schema, folder))
            found = sum(pyarrow.parquet.read_metadata(path).num_rows for path in folder.rglob("*.parquet"))
            if found != expired and not name.startswith("mariadb-dump"):
                raise RuntimeError(f"{name} wrote {found:,} of {expired:,} rows")
            written[name] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            shutil.rmtree(folder)
    server.drop(schema)
    title = f"Copying {expired:,} of {options.rows:,} interactions on {server.engine}"
    table = Table(title, ("way", "seconds, median (least)", "rows/s", "rlops ÷ it", "bytes/row"))
    ours = Times(tuple(seconds[OURS]))
    for name, each in seconds.items():
        times = Times(tuple(each))
        rate, size = f"{expired / times.median:,.0f}", f"{written[name] / expired:.0f}"
        table.add(name, times, rate, ratio(times.median, ours.median), size)
    table.notes.append("The time is that of the whole process, its start included. Only rlops compares what it wrote.")
    if len(seconds) < 3:
        table.notes.append("NOT MEASURED: mariadb-dump can't be had here.")
    return table


def _by_size(server: Place, options: Options) -> Table:
    table = Table(f"What a row costs, by the size of the table, on {server.engine}", COSTS)
    for times in (1, 10, 100) if options.large else (1, 10):
        rows = options.rows // 3 * times
        expired = rows // 3
        say(f"   {rows:,} rows: loading")
        schema = _loaded(server, rows, expired)
        to, archive, cleanup = options.folder / "cold", ("archive", "run"), ("cleanup", "--confirm", schema.name)
        say(f"   {rows:,} rows: archive run, cleanup, and cleanup again")
        taken = [_rlops(schema, options.folder, to, *command) for command in (archive, cleanup, cleanup)]
        if left := schema.count(INTERACTIONS) - (rows - expired):
            raise RuntimeError(f"{left:,} of {expired:,} expired rows are left")
        each = [f"{max(0.0, seconds - taken[2]) / expired * 1e6:,.0f}" for seconds in taken[:2]]
        table.add(f"{rows:,}", f"{expired:,}", *(f"{seconds:.1f}" for seconds in taken), *each)
        shutil.rmtree(to)
        server.drop(schema)
    table.notes.append(
        "Cleanup compares each row with the archive under lock. A row's cost is without that of a run with nothing to do."
    )
    return table


def _loaded(server: Place, rows: int, expired: int) -> Schema:
    schema = server.schema()
    schema.execute(*tools.creates())
    load.fill(schema, rows, expired=expired)
    return schema


def _ways(folder: Path) -> Mapping[str, Way]:
    ways: dict[str, Way] = {
        OURS: lambda schema, out: _anew(schema, folder, out),
        "PyMySQL's rows to Parquet, in a loop": lambda schema, out: _loop(schema, folder, out),
    }
    if found := peers.find("mariadb-client"):
        ways["mariadb-dump --where"] = lambda schema, out: _dump(schema, found, folder, out)
    return ways


def _anew(schema: Schema, folder: Path, out: Path) -> float:
    if schema.column("SHOW TABLES LIKE 'rlops_part'"):
        schema.execute("DELETE FROM rlops_part", "DELETE FROM rlops_state WHERE name = 'archive_destination'")
    return _rlops(schema, folder, out, "archive", "run")


def _rlops(schema: Schema, folder: Path, to: Path, *command: str) -> float:
    if not schema.column("SHOW TABLES LIKE 'rlops_state'"):
        tools.run_rlops(schema, folder, "migrate")
    options = ("--months", str(MONTHS), "--to", str(to))
    return tools.run_rlops(schema, folder, *command, *options, seconds=LONGEST).wall


def _loop(schema: Schema, folder: Path, out: Path) -> float:
    script = str(Path(__file__).with_name("plain_loop.py"))
    return _run(folder, {}, sys.executable, script, schema.url, _where(schema), str(out / "rows.parquet"))


def _dump(schema: Schema, found: Path, folder: Path, out: Path) -> float:
    command, environment = peers.mariadb_client(found, "mariadb-dump")
    place_ = ("--no-defaults", "-h127.0.0.1", f"-P{schema.port}", "-uroot", "--skip-ssl")
    how = ("--single-transaction", "--no-create-info", "--skip-triggers", "--hex-blob", f"--where={_where(schema)}")
    return _run(
        folder, environment, *command, *place_, *how, f"--result-file={out / 'rows.sql'}", schema.name, INTERACTIONS
    )


def _where(schema: Schema) -> str:
    first = schema.column(f"SELECT DATE_FORMAT(NOW() - INTERVAL {MONTHS} MONTH, '%Y-%m-01')")[0]
    return f"timestamp < '{first}'"


def _run(folder: Path, more: Mapping[str, str], *command: str) -> float:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **more}
    sample = run(command, cwd=folder, environment=environment, seconds=LONGEST)
    return sample.checked(" ".join(command[:4])).wall
