"""Sizes, rows, growth and index usage of the tables, each number with its source. Reads only, and little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from rlops.db import Database, Lost, ServerError
from rlops.errors import Denied, Exit, Failed
from rlops.ops import declared, form
from rlops.ops.monitor.growth import read_growth
from rlops.ops.monitor.indexes import counting_key, read_indexes, time_key
from rlops.ops.monitor.probe import LIMIT, Reader, reason
from rlops.ops.monitor.sizes import read_sizes
from rlops.ops.monitor.workload import read_foreign_keys, read_statements
from rlops.plan import Answer
from rlops.sqlfiles import SqlFolder
from rlops.structure import Table, read_table

STRUCTURE = "SHOW CREATE TABLE"


def monitor(db: Database, sql: SqlFolder) -> Answer:
    """What can be told of the tables by this account on this engine; every statement within LIMIT seconds.

    A probe that can't run says what it needs and never fails the command. FINDINGS when the measured growth is past
    the policy's. Raises ServerError when the connection is lost, Usage for a wrong SQL folder.
    """
    with db.statement_limit(LIMIT):
        reader = Reader(db, sql)
        wanted = [each.table for each in declared.tables(sql)]
        live = _live(reader, [table.name for table in wanted])
        by_name = {table.name: table for table in live}
        keys = {table.name: key for table in live if (key := counting_key(table))}
        tables = read_sizes(reader, [table.name for table in wanted], keys)
        interactions = next((table for table in tables if table["name"] == declared.INTERACTIONS), None)
        by_time = time_key(by_name[declared.INTERACTIONS]) if declared.INTERACTIONS in by_name else None
        data: dict[str, Any] = {
            "measured_at": reader.server.utc_now,
            "uptime_seconds": reader.server.uptime,
            "tables": tables,
            "absent": sorted({table.name for table in wanted} - {table["name"] for table in tables}),
            "growth": read_growth(reader, interactions, by_time),
            "indexes": read_indexes(reader, live),
            "statements": read_statements(reader),
            "foreign_keys": read_foreign_keys(reader, live, _as_they_live(db, sql, by_name)),
            "probes": [asdict(probe) for probe in reader.probes],
        }
    past_plan = (data["growth"]["times_plan"] or 0) > 1
    return Answer(
        "monitor",
        Exit.FINDINGS if past_plan else Exit.OK,
        data,
        notes=tuple(_notes(data)),
        next=_next(data, past_plan),
    )


def _as_they_live(db: Database, sql: SqlFolder, live: Mapping[str, Table]) -> list[Table]:
    """The declared tables, each in the form that it has: a partitioned one declares no foreign keys."""
    return [form.holding(each, live.get(each.table.name), sql, db.family).table for each in declared.tables(sql)]


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


def _notes(data: Mapping[str, Any]) -> Iterator[str]:
    if data["tables"] and data["absent"]:
        yield f"missing, or not visible to this account: {', '.join(data['absent'])}"
    for key in data["foreign_keys"]["missing"]:
        yield f"missing: the foreign key from {key['table']}({', '.join(key['columns'])}) to {key['references']}"
    for index in data["indexes"]:
        if index["redundant_with"]:
            yield f"redundant: {index['name']} of {index['table']}; {index['redundant_with']} serves the same reads"


def _next(data: Mapping[str, Any], past_plan: bool) -> str:
    if not data["tables"]:
        return "`rlops migrate` creates the tables."
    if data["absent"] or data["foreign_keys"]["missing"]:
        return "`rlops verify` compares the tables with what is declared."
    if past_plan:
        return (
            "give the disk that room and write it into policy.toml (growth.bytes_per_year), or shorten the retention."
        )
    return ""
