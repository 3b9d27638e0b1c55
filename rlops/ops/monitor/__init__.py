"""Sizes, growth, indexes, statements and everything else that tells whether the tables are healthy, with its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rlops.db import Database, Lost, ServerError
from rlops.errors import Denied, Exit, Failed
from rlops.ops import declared, form
from rlops.ops.monitor import records, sessions, timeline, verdict
from rlops.ops.monitor.forecast import forecast, read_disk
from rlops.ops.monitor.growth import read_growth, writers_clock, writers_zone
from rlops.ops.monitor.indexes import counting_key, read_indexes, time_key
from rlops.ops.monitor.integrity import read_all_triggers, read_definers, read_foreign_keys, read_lost, read_orphans
from rlops.ops.monitor.partitions import read_partitions
from rlops.ops.monitor.probe import BUDGET, LIMIT, Reader, reason
from rlops.ops.monitor.sizes import COUNT_UP_TO, read_files, read_headroom, read_sizes
from rlops.ops.monitor.statements import read_statements
from rlops.plan import Answer
from rlops.snapshots import Snapshot
from rlops.sqlfiles import SqlFolder
from rlops.structure import Table, read_table

STRUCTURE = "SHOW CREATE TABLE"
EXACT_LIMIT = 600.0  # seconds for one statement when exact numbers are wanted at any price


@dataclass(frozen=True)
class Wish:
    """How to look. `exact`: count all rows, however long it takes; else tables of at most `up_to` estimated rows.

    `thresholds`: NAME=WARNING[,CRITICAL] each, instead of the policy's.
    """

    exact: bool = False
    thresholds: tuple[str, ...] = ()
    up_to: int = COUNT_UP_TO


USUAL = Wish()


@dataclass(frozen=True)
class Look:
    """One look: what it found, and the snapshot of it to record, or to compare the next one with."""

    answer: Answer
    snapshot: Snapshot


def monitor(db: Database, sql: SqlFolder, wish: Wish = USUAL) -> Answer:
    """What can be told of the tables by this account on this engine, in about a second.

    A probe that can't run says what it needs and never fails the command. FINDINGS when a threshold is crossed or
    something is broken. Raises ServerError when the connection is lost, Usage for a wrong threshold or SQL folder.
    """
    return look(db, sql, wish).answer


def look(db: Database, sql: SqlFolder, wish: Wish = USUAL, before: Snapshot | None = None) -> Look:
    """One look; changes are told since the snapshot `before`, by default the latest recorded one."""
    limits = verdict.thresholds(sql.policy, wish.thresholds)
    with db.statement_limit(EXACT_LIMIT if wish.exact else LIMIT):
        reader = Reader(db, sql, None if wish.exact else BUDGET)
        data, last = _read(reader, wish)
    taken = records.snapshot(data, reader)
    data["changes"] = records.changes(before or last, taken)
    data["findings"] = verdict.judge(data, limits)
    data["verdict"] = verdict.level(data)
    data["thresholds"] = asdict(limits)
    bad = data["verdict"] in ("warning", "critical")
    return Look(Answer("monitor", Exit.FINDINGS if bad else Exit.OK, data, next=_next(data)), taken)


def record(db: Database, sql: SqlFolder, seen: Look) -> dict[str, Any]:
    """Keep the snapshot of a look in rlops' own table; {id, taken_at, kept}. Raises Denied or Failed."""
    return records.keep(db, sql, seen.snapshot)


def _read(reader: Reader, wish: Wish) -> tuple[dict[str, Any], Snapshot | None]:
    wanted = [each.table for each in declared.tables(reader.sql)]
    names = [table.name for table in wanted]
    parents = list(dict.fromkeys(key.ref_table for table in wanted for key in table.foreign_keys))
    live = {table.name: table for table in _live(reader, names)}
    keys = {name: key for name, table in live.items() if (key := counting_key(table))}
    files = read_files(reader, names)
    tables = read_sizes(reader, names, keys, files, None if wish.exact else wish.up_to)
    read_headroom(reader, tables, live)
    last, recorded = records.recorded(reader)
    data: dict[str, Any] = {
        "measured_at": reader.utc(reader.server.utc_now),
        "family": reader.db.family,
        "uptime_seconds": reader.server.uptime,
        "server_started": reader.utc(reader.server.started),
        "tables": tables,
        "absent": sorted(set(names) - {table["name"] for table in tables}),
        **_interactions(reader, tables, live, files, recorded),
        "indexes": read_indexes(reader, list(live.values()), tables, last),
        "statements": read_statements(reader),
        "foreign_keys": read_foreign_keys(reader, list(live.values()), _as_they_live(reader, live)),
        "orphans": read_orphans(reader, list(live.values()), wanted),
        "triggers": read_all_triggers(reader, list(live), parents) if live else None,
        "sessions": sessions.read_sessions(reader, (*names, *parents)),
        "backups": sessions.read_backups(reader),
        "recorded": recorded,
        "definers": [],
        "lost_triggers": read_lost(reader) if live else [],
        "probes": [],
        "seconds": round(reader.elapsed, 3),
    }
    data["definers"] = read_definers(reader, data["triggers"])
    data["probes"] = [asdict(probe) for probe in reader.probes]
    return data, last


def _interactions(
    reader: Reader, tables: Sequence[dict[str, Any]], live: Mapping[str, Table], files: Mapping[str, Any], recorded: Any
) -> dict[str, Any]:
    """What is told of the interactions alone: partitions, growth, forecast, months, retention."""
    policy, name = reader.sql.policy, declared.INTERACTIONS
    table = next((table for table in tables if table["name"] == name), None)
    by_time = time_key(live[name]) if name in live else None
    zone = writers_zone(reader.server, policy.writers_time_zone)
    now = writers_clock(reader.server, zone)
    growth = read_growth(reader, table, by_time)
    growth["recorded"] = records.growth(recorded["series"], reader.server.utc_now, table)
    oldest = growth["oldest"] and growth["oldest"].replace(tzinfo=None)
    months = timeline.read_months(reader, by_time, oldest, now)
    disk = read_disk(reader)
    kept = policy.retention.interactions_months
    return {
        "partitions": read_partitions(reader, live.get(name), files.get(name), now, zone),
        "growth": growth,
        "forecast": forecast(table, growth, policy.monitor.limit_bytes, disk=disk, oldest=oldest, now=now, months=kept),
        "disk": disk,
        "months": months[-timeline.MONTHS :],
        "retention": timeline.read_retention(reader, oldest, months, now, zone),
    }


def _as_they_live(reader: Reader, live: Mapping[str, Table]) -> list[Table]:
    """The declared tables, each in the form that rlops gave it: partitioned by it, one declares no foreign keys."""
    each_declared = declared.tables(reader.sql)
    if form.recorded(reader.db).form != form.PARTITIONED:
        return [each.table for each in each_declared]
    return [form.holding(each, live.get(each.table.name), reader.sql, reader.db.family).table for each in each_declared]


def _live(reader: Reader, names: Sequence[str]) -> list[Table]:
    """Those of the tables that exist and can be read."""
    found = []
    problem: tuple[Literal["denied", "unavailable"], str] | None = None
    for name in names:
        try:
            table = read_table(reader.db, name)
        except Denied:
            problem = ("denied", reader.grant("030_tables"))
        except Lost:
            raise
        except ServerError as error:
            problem = ("unavailable", reason(error))
        except Failed as error:
            problem = ("unavailable", error.message)
        else:
            if isinstance(table, Table):
                found.append(table)
    if problem:
        reader.note("structure", problem[0], STRUCTURE, problem[1])
    elif found:
        reader.note("structure", "ok", STRUCTURE)
    return found


def _next(data: Mapping[str, Any]) -> str:
    return "" if data["tables"] else "`rlops migrate` creates the tables."
