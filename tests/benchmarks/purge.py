"""Deleting a product that has many interactions while the shop writes: by cascade alone, and purged first."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from . import load, tools
from .measure import percentile
from .options import Options
from .report import Table, say
from .servers import TABLES, Schema, place
from .traffic import Writer, beside

INTERACTIONS = TABLES[0]
GONE = 7  # the product that is deleted
QUIET_FOR = 5.0  # seconds of writing with nothing else going on
LONGEST = 1800.0  # seconds for one way


class OtherProducts(Writer):
    """Inserts interactions with every product but the one that is about to go."""

    def statement(self, number: random.Random) -> tuple[str, tuple[Any, ...]]:
        sql, (user, product) = super().statement(number)
        return sql, (user, product if product != GONE else GONE + 1)


def measure(options: Options) -> Iterator[Table]:
    """One line a way."""
    many = max(1000, options.rows * 2 // 3)
    ways: dict[str, Callable[[Schema], None]] = {
        "nothing (the writer alone)": lambda _: time.sleep(QUIET_FOR),
        "DELETE, with its cascade": _delete,
        "rlops purge, then DELETE": lambda schema: _purge_first(schema, options.folder),
    }
    columns = ("way", "seconds", "writes", "p50 ms", "p99 ms", "longest ms", "failed")
    with place(options.engine) as server:
        title = f"Deleting a product with {many:,} of {options.rows:,} interactions on {server.engine}, while one client inserts"
        table = Table(title, columns)
        for name, way in ways.items():
            say(f"   {name}: loading {options.rows:,} rows")
            schema = server.schema()
            schema.execute(*tools.creates())
            load.fill(schema, options.rows, expired=0)
            schema.execute(f"UPDATE {INTERACTIONS} SET product_id = {GONE} WHERE id <= {many}")
            say(f"   {name}")
            result = beside(OtherProducts(schema), partial(way, schema))
            times = [f"{percentile(result.latencies, percent) * 1000:.1f}" for percent in (50, 99)]
            table.add(
                name,
                f"{result.seconds:.1f}",
                len(result.latencies),
                *times,
                f"{result.longest * 1000:,.0f}",
                result.errors,
            )
            server.drop(schema)
    table.notes.append(
        "The writer inserts for all other products, one row after the other; purge is the whole process, its start included."
    )
    yield table


def _delete(schema: Schema) -> None:
    schema.execute(f"DELETE FROM product WHERE id = {GONE}")
    if schema.count(INTERACTIONS, f"product_id = {GONE}"):
        raise RuntimeError("interactions are left")


def _purge_first(schema: Schema, folder: Path) -> None:
    options = ("--product", str(GONE), "--confirm", schema.name, "--replica", "none")
    tools.run_rlops(schema, folder, "purge", *options, seconds=LONGEST)
    _delete(schema)
