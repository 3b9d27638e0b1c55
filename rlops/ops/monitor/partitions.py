"""The interactions' partitions: their bounds and sizes, the months ahead, the gaps, the rows in the catch-all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from rlops.db import Row, ServerError
from rlops.ops.declared import INTERACTIONS
from rlops.ops.monitor.probe import Reader, whole
from rlops.ops.monitor.sizes import Files
from rlops.ops.partition.months import end_of_all, later_rows
from rlops.structure import Table

SOURCE = "information_schema.PARTITIONS"
COUNT_UP_TO = 100_000  # rows of the catch-all; whether it is empty is what matters
_TIME = re.compile(r"'(\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?)(?:\.0+)?'")


@dataclass(frozen=True)
class Bounds:
    """One partition's name and its bounds, from inclusive to exclusive; None for no bound. `catch_all`: it has no end."""

    name: str
    begins: datetime | None
    ends: datetime | None
    catch_all: bool = False


def read_partitions(
    reader: Reader, table: Table | None, files: Files | None, now: datetime, zone: tzinfo
) -> dict[str, Any]:
    """Every partition with its bounds, rows and bytes; `months_ahead`, `gaps`, `catch_all_rows`, `later_rows` of them.

    `now` is the writers' clock, and `zone` theirs. Bounds are the server's, never taken from names. Numbers are None where the partitions
    are not by RANGE over literal times.
    """
    answer: dict[str, Any] = {
        "partitioned": bool(table and table.partitioning), "partitions": [], "months_ahead": None, "gaps": [],
        "catch_all": None, "catch_all_rows": None, "catch_all_rows_at_least": False, "later_rows": None, "later_rows_shown_by": None,
        "source": None,
    }  # fmt: skip
    if table is None or table.partitioning is None:
        return answer
    values = {"schema": reader.server.schema, "table": INTERACTIONS}
    rows = reader.ask("partitions", SOURCE, "032_partitions", values=values)
    if not rows:
        return answer
    bounds = read_bounds(rows)
    by_name = {each.name: each for each in bounds or ()}
    answer["partitions"] = [_partition(row, by_name.get(row["name"]), files, zone) for row in rows]
    answer["source"] = SOURCE
    if bounds is None:
        return answer
    answer["months_ahead"] = months_ahead(bounds, now)
    answer["gaps"] = [{"name": each.name, **_ends(each, zone)} for each in gaps(bounds)]
    catch_all = next((each for each in bounds if each.catch_all), None)
    answer["catch_all"] = catch_all.name if catch_all else None
    if catch_all:
        wanted = reader.sql.policy.partitions
        later = max(end_of_all(now, wanted), catch_all.begins or now)
        shown_by = later_rows(INTERACTIONS, wanted, later)
        answer.update(_catch_all(reader, catch_all.name, wanted.column, later), later_rows_shown_by=shown_by)
    return answer


def read_bounds(rows: Sequence[Row]) -> list[Bounds] | None:
    """The bounds of partitions by RANGE COLUMNS over one column of times; None for any other scheme."""
    if rows[0]["method"] != "RANGE COLUMNS" or "," in str(rows[0]["expression"]):
        return None
    found: list[Bounds] = []
    begins: datetime | None = None
    for row in rows:
        bound = str(row["bound"])
        match = _TIME.fullmatch(bound)
        if not match and bound.strip("'") != "MAXVALUE":
            return None
        ends = datetime.fromisoformat(match[1]) if match else None
        found.append(Bounds(row["name"], begins, ends, ends is None))
        begins = ends
    return found


def months_ahead(bounds: Sequence[Bounds], now: datetime) -> int:
    """How many whole months after the current one have a partition of their own; negative once the current has none."""
    last = max((each.ends for each in bounds if each.ends), default=None)
    if last is None:
        return -1
    return (last.year - now.year) * 12 + last.month - now.month - 1


def gaps(bounds: Sequence[Bounds]) -> list[Bounds]:
    """The partitions between the first and the last bound that are not exactly one month."""
    inner = [each for each in bounds if each.begins and each.ends]
    return [each for each in inner if each.begins and each.ends != next_month(each.begins)]


def next_month(time: datetime) -> datetime:
    """Midnight on the first day of the month after the one that begins then."""
    return time.replace(year=time.year + time.month // 12, month=time.month % 12 + 1)


def _ends(bounds: Bounds | None, zone: tzinfo) -> dict[str, datetime | None]:
    begins, ends = (bounds.begins, bounds.ends) if bounds else (None, None)
    return {"from": begins and begins.replace(tzinfo=zone), "to": ends and ends.replace(tzinfo=zone)}


def _partition(row: Row, bounds: Bounds | None, files: Files | None, zone: tzinfo) -> dict[str, Any]:
    estimated = (whole(row["data_bytes"]) or 0) + (whole(row["index_bytes"]) or 0)
    on_disk = files.parts.get(row["file"]) if files else None
    return {
        "name": row["name"],
        **_ends(bounds, zone),
        "bound": str(row["bound"]),
        "rows": whole(row["estimated_rows"]),
        "rows_estimated": True,
        "size_bytes": on_disk if on_disk is not None else estimated,
        "size_source": "the file" if on_disk is not None else SOURCE,
    }


def _catch_all(reader: Reader, name: str, column: str, later: datetime) -> Mapping[str, Any]:
    """Its rows, and those of them that are of the time `later` or past it, for which no month is made."""
    names = {"table": INTERACTIONS, "partition": name}
    try:
        rows = reader.rows("034_count_partition", {**names, "key": "PRIMARY"}, {"limit": COUNT_UP_TO})
        counted = int(rows[0]["rlops_count"])
        values = {"first": later, "limit": COUNT_UP_TO}
        past = (
            reader.rows("036_count_later_rows", {**names, "column": column}, values)
            if counted
            else [{"rlops_count": 0}]
        )
    except ServerError as error:
        reader.failed("catch_all", "COUNT(*)", "034_count_partition", error)
        return {}
    reader.note("catch_all", "ok", "COUNT(*)")
    at_least = counted >= COUNT_UP_TO
    return {"catch_all_rows": counted, "catch_all_rows_at_least": at_least, "later_rows": int(past[0]["rlops_count"])}
