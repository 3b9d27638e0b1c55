"""The way back, by the number of rows: rlops renames, the plan as written copied and dropped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from . import load, tools
from .measure import ratio
from .options import Options
from .report import Table, say
from .servers import TABLES, Place, place
from .tools import Project

SIZES, LARGE = (10_000, 100_000, 1_000_000), (10_000_000,)  # interactions


def measure(options: Options) -> Iterator[Table]:
    """Seconds by size, each measured once."""
    columns = ("rows", "rlops rollback", "rlops restore", "CREATE … AS SELECT + DROP", "rollback ÷ it")
    with place(options.engine) as server:
        table = Table(f"Rollback on {server.engine}: seconds", columns)
        for rows in (*SIZES, *(LARGE if options.large else ())):
            say(f"   {rows:,} rows: loading")
            table.add(f"{rows:,}", *_measured(server, options.folder / f"rollback{rows}", rows))
    table.notes += [
        "rlops: the whole process with its start, its checks, the rename and the count that verifies it. The copy: the three statements"
        " pairs on an open connection; it loses the keys and indexes, and the rows written meanwhile.",
    ]
    yield table


def _measured(server: Place, folder: Path, rows: int) -> tuple[str, ...]:
    schema = server.schema()
    try:
        project = tools.all_of(schema, folder, "rlops")
        assert project
        project.run(project.apply).checked("rlops migrate")
        load.fill(schema, rows, expired=0)
        load.fill_others(schema)
        say(f"   {rows:,} rows: rollback, restore, copy")
        rollback = project.run(project.undo).checked("rlops rollback").wall
        restore = project.run(_restore(project)).checked("rlops restore").wall
        began = time.perf_counter()
        for table in reversed(TABLES):
            schema.execute(f"CREATE TABLE {table}_copy AS SELECT * FROM {table}", f"DROP TABLE {table}")
        copy = time.perf_counter() - began
        return f"{rollback:.2f}", f"{restore:.2f}", f"{copy:.2f}", ratio(rollback, copy)
    finally:
        server.drop(schema)


def _restore(project: Project) -> tuple[str, ...]:
    return tuple("restore" if word == "rollback" else word for word in project.undo)
