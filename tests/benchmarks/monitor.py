"""How long `rlops monitor` takes on tables of any size, beside a plain COUNT(*), and how cold it leaves them."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator

from . import load, tools
from .measure import run
from .options import Options
from .report import Table, say
from .servers import TABLES, Schema, place

ROWS = (10_000, 1_000_000)
LARGE = 10_000_000  # with --large
LONGEST = 600.0  # seconds


def measure(options: Options) -> Iterator[Table]:
    """One line a size: seconds of the whole command and of its statements alone, and of a full count."""
    columns = (
        "rows",
        "whole command s",
        "of it in the server s",
        "probes ok",
        "rows counted or estimated",
        "COUNT(*) s",
    )
    with place(options.engine) as server:
        table = Table(f"rlops monitor on {server.engine}, the median of {options.repeats} runs", columns)
        for rows in (*ROWS, *((LARGE,) if options.large else ())):
            say(f"   loading {rows:,} rows")
            schema = server.schema()
            schema.execute(*tools.creates())
            load.fill(schema, rows, expired=rows // 10)
            table.add(*_one(schema, rows, options))
            server.drop(schema)
        table.notes.append(
            "The whole command includes the start of Python, 0.4 s or so; every statement has a limit of 1 s, all of them 4 s."
        )
        yield table


def _one(schema: Schema, rows: int, options: Options) -> tuple[object, ...]:
    command = (sys.executable, "-m", "rlops", "monitor", "--url", schema.url, "--output", "json")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(options.folder),
        "PYTHONPATH": str(tools.SQL.parent),
        "LANG": "C.UTF-8",
    }
    whole, inside, document = [], [], {}
    for _ in range(options.repeats):
        began = time.perf_counter()
        ended = run(command, cwd=options.folder, environment=environment, seconds=LONGEST)
        whole.append(time.perf_counter() - began)
        document = json.loads(ended.stdout)
        inside.append(document["data"]["seconds"])
    began = time.perf_counter()
    schema.count(TABLES[0])
    counting = time.perf_counter() - began
    found = document["data"]["tables"][0]
    how = "estimated" if found["rows_estimated"] else "counted"
    good = sum(probe["status"] == "ok" for probe in document["data"]["probes"])
    return (
        f"{rows:,}", f"{statistics.median(whole):.2f}", f"{statistics.median(inside):.2f}",
        f"{good} of {len(document['data']['probes'])}", f"{found['rows']:,} {how}", f"{counting:.2f}",
    )  # fmt: skip
