"""The benchmarks' command line: `python -m tests.benchmarks [NAME…]`, from the project's root."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pymysql

from rlops.errors import RlopsError
from rlops.sandbox.provision import PACKAGES

from .options import Options
from .report import Table, say, show

BENCHMARKS = {
    "archive": "rows a second beside mariadb-dump and a plain loop, and what a row costs in small and large tables",
    "startup": "CPU seconds until `rlops --help` and `--version` answer",
    "migrate": "first run and no-op beside dbmate, Liquibase and Skeema",
    "head_to_head": "what each tool does when things go wrong (not a matter of speed)",
    "cleanup": "rows a second and a writer's latency beside one big DELETE and pt-archiver",
    "monitor": "seconds of monitor at 10,000, 1,000,000 and (with --large) 10,000,000 interactions",
    "partition": "a writer's stall while the table is partitioned, inserts by what keeps integrity, months that come and go",
    "purge": "a writer's stall while a product with many interactions goes, beside its DELETE's cascade",
    "rollback": "rollback and restore beside CREATE TABLE … AS SELECT and DROP",
}


def main() -> int:
    """0; 1 when a benchmark could not be carried out; 130 when interrupted."""
    chosen = _arguments()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job starts with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="rlops-bench-"))
    options = Options(chosen.engine, chosen.repeats, chosen.rows, chosen.large, folder)
    failed = False
    try:
        for name in chosen.name or BENCHMARKS:
            failed |= not _carry_out(name, options, chosen.markdown)
    except KeyboardInterrupt:
        say("interrupted; the servers are stopped")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return int(failed)


def _carry_out(name: str, options: Options, markdown: bool) -> bool:
    say(f"== {name}: {BENCHMARKS[name]}")
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    try:
        for table in importlib.import_module(f".{name}", __package__).measure(options):
            show(_dated(table, load, cores), markdown=markdown)
    except (RlopsError, RuntimeError, pymysql.Error) as error:
        say(f"!!! {name} was not carried out: {error}")
        return False
    return True


def _dated(table: Table, load: float, cores: int) -> Table:
    busy = ": the machine was busy with other work, so trust the ratios alone" if load > cores / 2 else ""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    table.notes.append(f"{cores} cores, {python}, load average {load:.1f} when it began{busy}.")
    return table


def _arguments() -> argparse.Namespace:
    lines = "\n".join(f"  {name:14}{text}" for name, text in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=f"Measure rlops on throw-away servers, beside its peers.\n\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="*", help="which ones (default: all)")
    parser.add_argument("--engine", choices=list(PACKAGES), default="mysql-9.7", help="on which server (%(default)s)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="runs of each measurement (%(default)s)")
    parser.add_argument(
        "--rows",
        type=int,
        default=300_000,
        metavar="N",
        help="archive, cleanup: a third expire; archive: then tables of a third and ten thirds of them; purge: two thirds are"
        " the product's; partition: all are copied (%(default)s)",
    )
    parser.add_argument(
        "--large", action="store_true", help="archive, rollback, monitor, partition: ten million rows too, half an hour"
    )
    parser.add_argument("--markdown", action="store_true", help="print tables for the README")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.name if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    if chosen.repeats < 1 or chosen.rows < 3000:
        parser.error("--repeats must be at least 1, --rows at least 3000")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
