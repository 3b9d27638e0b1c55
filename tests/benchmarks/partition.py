"""Partitions by month: to them while the shop writes, what integrity by triggers costs an insert, and months that come and go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import load, tools
from .measure import Times, percentile, ratio
from .options import Options
from .report import Table, say
from .servers import TABLES, Place, Schema, place
from .traffic import Writer, beside

INTERACTIONS = TABLES[0]
LONGEST = 7200.0  # seconds for one command
QUIET_FOR = 5.0  # seconds of writing with nothing else going on
BLOCKING = "rlops partition enable --offline: the blocking ALTER"
SINGLES, BULKS, BULK = 1000, 20, 1000  # statements of one row each, statements of many, and how many these have
SIZES, LARGE = (10_000,), 10_000_000
KEPT_MONTHS, FEW = 12, 100  # months of retention; rows of the month that has the same number at every size
INSERT = f"INSERT INTO {INTERACTIONS} (user_id, product_id, interaction_type, session_id, context, reward) VALUES "
Way = Callable[[Schema], object]


def measure(options: Options) -> Iterator[Table]:
    """The change of form, the inserts, and then the months."""
    with place(options.engine) as server:
        yield _change(server, options)
        yield _inserts(server, options)
        yield _months(server, options)


# the change of form, while one client writes


def _change(server: Place, options: Options) -> Table:
    columns = ("way", "seconds", "rows/s", "÷ the ALTER", "writes", "p50 ms", "p99 ms", "longest stall ms", "failed")
    title = f"Partitioning {options.rows:,} interactions on {server.engine}, while one client inserts"
    table = Table(title, columns)
    of_blocking = 0.0
    for name, way in _ways(options.folder).items():
        say(f"   {name}: loading {options.rows:,} rows")
        schema = _loaded(server, options, options.rows)
        say(f"   {name}")
        seen = beside(Writer(schema), partial(way, schema))
        changed = name != "nothing (the writer alone)"
        if changed != bool(_partitions(schema)):
            raise RuntimeError(f"{name} left the partitions {_partitions(schema)}")
        rate = options.rows / seen.seconds
        of_blocking = rate if name == BLOCKING else of_blocking
        figures = (f"{rate:,.0f}", ratio(rate, of_blocking)) if changed else ("–", "–")
        times = [f"{percentile(seen.latencies, percent) * 1000:.1f}" for percent in (50, 99)]
        stall = f"{seen.longest * 1000:,.0f}"
        table.add(name, f"{seen.seconds:.1f}", *figures, len(seen.latencies), *times, stall, seen.errors)
        server.drop(schema)
    table.notes.append(
        "The time is that of the whole process, its start included. Online every row is copied, and then compared, in chunks of 0.3 s;"
        " it paces itself by the policy's limits."
    )
    return table


def _ways(folder: Path) -> Mapping[str, Way]:
    enable = ("partition", "enable", "--environment", "development")
    return {
        "nothing (the writer alone)": lambda _: time.sleep(QUIET_FOR),
        BLOCKING: lambda schema: tools.run_rlops(schema, folder, *enable, "--offline", seconds=LONGEST),
        "rlops partition enable: online": lambda schema: tools.run_rlops(
            schema, folder, *enable, "--replica", "none", seconds=LONGEST
        ),
    }


def _loaded(server: Place, options: Options, rows: int, expired: int = 0) -> Schema:
    schema = server.schema()
    tools.run_rlops(schema, options.folder, "migrate", "--environment", "development")
    load.fill(schema, rows, expired=expired)
    return schema


def _partitions(schema: Schema) -> list[str]:
    sql = (
        "SELECT PARTITION_NAME FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
        " AND PARTITION_NAME IS NOT NULL ORDER BY PARTITION_ORDINAL_POSITION"
    )
    return schema.column(sql, schema.name, INTERACTIONS)


# inserts, by what keeps the integrity


@dataclass
class Speed:
    """The seconds of each round, for single rows and for bulks."""

    single: list[float]
    bulk: list[float]


def _inserts(server: Place, options: Options) -> Table:
    forms: dict[str, Schema] = {}
    for name, make in _forms(options.folder).items():
        forms[name] = server.schema()
        make(forms[name])
    found = {name: Speed([], []) for name in forms}
    for number in range(options.repeats):  # in turn, so that all of them see the same machine
        for name, schema in forms.items():
            say(f"   {number + 1} of {options.repeats}: inserts under {name}")
            found[name].single.append(_timed(schema, SINGLES, 1))
            found[name].bulk.append(_timed(schema, BULKS, BULK))
    columns = ("integrity by", "single rows/s", "÷ foreign keys", f"rows/s by {BULK:,}", "÷ foreign keys")
    table = Table(f"Inserting interactions on {server.engine}, the median of {options.repeats} rounds", columns)
    first = next(iter(found.values()))
    for name, speed in found.items():
        cells: list[str] = []
        pairs = ((speed.single, first.single, SINGLES), (speed.bulk, first.bulk, BULKS * BULK))
        for mine, of_keys, rows in pairs:
            rate, theirs = rows / Times(tuple(mine)).median, rows / Times(tuple(of_keys)).median
            cells += [f"{rate:,.0f}", "–" if speed is first else ratio(rate, theirs)]
        table.add(name, *cells)
    for schema in forms.values():
        server.drop(schema)
    table.notes.append(
        "One client, each statement a transaction. The server flushes its log once a second: where every commit waits for a disk,"
        " single rows differ less."
    )
    return table


def _forms(folder: Path) -> Mapping[str, Way]:
    migrate = ("migrate", "--environment", "development")
    return {
        "foreign keys": lambda schema: tools.run_rlops(schema, folder, *migrate),
        "triggers, partitioned": lambda schema: tools.run_rlops(schema, folder, *migrate, "--partitioned"),
        "nothing, partitioned": lambda schema: tools.run_rlops(
            schema, folder, *migrate, "--partitioned", "--integrity", "none"
        ),
        "nothing, not partitioned": lambda schema: _without_keys(schema, folder),
    }


def _without_keys(schema: Schema, folder: Path) -> None:
    tools.run_rlops(schema, folder, "migrate", "--environment", "development")
    names = schema.column(
        "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = %s AND TABLE_NAME = %s",
        schema.name,
        INTERACTIONS,
    )
    schema.execute(*(f"ALTER TABLE {INTERACTIONS} DROP FOREIGN KEY `{name}`" for name in names))


def _timed(schema: Schema, statements: int, rows: int) -> float:
    """Seconds for so many statements of so many rows, each its own transaction."""
    one = "(%s, %s, 'VIEW', 'a-session-of-thirty-six-characters-xx', %s, 0.1)"
    sql = INSERT + ", ".join([one] * rows)
    with schema.connect() as connection, connection.cursor() as cursor:
        texts = [
            cursor.mogrify(sql, [value for n in range(rows) for value in _row(first * rows + n)])
            for first in range(statements)
        ]
        began = time.perf_counter()
        for text in texts:
            cursor.execute(text)
        return time.perf_counter() - began


def _row(number: int) -> tuple[int, int, str]:
    return 1 + number * 7919 % 2000, 1 + number * 104729 % 500, load.CONTEXT


# months that come and go


def _months(server: Place, options: Options) -> Table:
    columns = (
        "rows",
        "ensure 3 months",
        "ensure, nothing to do",
        f"expire {FEW} rows",
        "expire a whole month",
        "its rows",
    )
    table = Table(f"Months ahead, and archived months taken out, on {server.engine}: seconds", columns)
    for rows in (*SIZES, *((LARGE,) if options.large else ())):
        say(f"   {rows:,} rows: loading, partitioning, archiving")
        table.add(f"{rows:,}", *_by_size(server, options, rows))
    table.notes.append(
        "The whole process with its start, 0.4 s or so. An expired month is exchanged, then each of its rows is compared with the"
        f" archive; the first one has {FEW} rows at any size of the table."
    )
    return table


def _by_size(server: Place, options: Options, rows: int) -> tuple[str, ...]:
    schema = _loaded(server, options, rows, rows // 10)
    whole = partial(tools.run_rlops, schema, options.folder, seconds=LONGEST)
    first, second = _first_months(schema)
    schema.execute(f"DELETE FROM {INTERACTIONS} WHERE timestamp < '{first}' AND id > {FEW}")
    count = schema.count(INTERACTIONS, f"timestamp >= '{first}' AND timestamp < '{second}'")
    whole("partition", "enable", "--offline")
    to = ("--months", str(KEPT_MONTHS), "--to", str(options.folder / schema.name))
    whole("archive", "run", *to)
    before = _partitions(schema)
    say(f"   {rows:,} rows: ensure, expire")
    ensure = [whole("partition", "ensure", "--ahead", "6").wall for _ in range(2)]
    expire = []
    for _ in range(2):
        sample = whole("partition", "expire", *to, "--most", "1", "--replica", "none", "--confirm", schema.name)
        expire.append(sample.wall)
    after = _partitions(schema)
    if after[:2] != before[2:4] or len(after) != len(before) + 3 - 2:
        raise RuntimeError(f"ensure and expire made {', '.join(after)} of {', '.join(before)}")
    server.drop(schema)
    return *(f"{seconds:.2f}" for seconds in (*ensure, *expire)), f"{count:,}"


def _first_months(schema: Schema) -> list[str]:
    """The ends of the first month and of the second."""
    sql = f"SELECT DATE_FORMAT(MIN(timestamp) + INTERVAL %s MONTH, '%%Y-%%m-01') FROM {INTERACTIONS}"
    return [str(schema.column(sql, plus)[0]) for plus in (1, 2)]
