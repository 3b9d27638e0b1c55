"""The interactions by month, and what retention and cold storage should have done with them by now."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from rlops import journal
from rlops.clock import cutoff, dated
from rlops.db import ServerError
from rlops.ops.declared import INTERACTIONS
from rlops.ops.monitor.partitions import next_month
from rlops.ops.monitor.probe import Reader

MONTHS = 60  # the latest ones, of which those without a row are listed, too
COUNT_UP_TO = 20_000  # estimated rows; a month that has more is estimated only
TABLE = "rlops_part"
ESTIMATE = "EXPLAIN: the optimizer's look into both ends of the index by time"


def read_months(reader: Reader, key: str | None, oldest: datetime | None, now: datetime) -> list[dict[str, Any]]:
    """The rows of the last MONTHS from the oldest interaction's to the current one, and of those before that have any:
    counted where they are few, else estimated.

    `oldest` and `now` are the writers' clock. Empty without an index by time.
    """
    if key is None or oldest is None:
        return []
    months: list[dict[str, Any]] = []
    try:
        listed = cutoff(now, MONTHS - 1)
        for begins in (*_earlier(reader, key, oldest, listed), *_months(max(oldest, listed), now)):
            rows, estimated = _rows(reader, key, begins, next_month(begins))
            months.append({"month": f"{begins:%Y-%m}", "rows": rows, "rows_estimated": estimated})
    except ServerError as error:
        reader.failed("months", ESTIMATE, "072_estimate_between", error)
        return []
    estimated = any(month["rows_estimated"] for month in months)
    reader.note("months", "ok", ESTIMATE if estimated else "COUNT(*)")
    return months


def _earlier(reader: Reader, key: str, oldest: datetime, until: datetime) -> Iterator[datetime]:
    """Those that have a row, before `until`."""
    begins = cutoff(oldest, 0)
    while begins < until:
        yield begins
        values = {"since": next_month(begins), "until": until}
        first = reader.rows("062_first_between", {"table": INTERACTIONS, "key": key}, values)[0]["rlops_first"]
        begins = cutoff(dated(first), 0) if first else until


def _months(oldest: datetime, now: datetime) -> Iterator[datetime]:
    begins = cutoff(oldest, 0)
    while begins <= now:
        yield begins
        begins = next_month(begins)


def _rows(reader: Reader, key: str, since: datetime, until: datetime) -> tuple[int | None, bool]:
    names, values = {"table": INTERACTIONS, "key": key}, {"since": since, "until": until}
    explained = [row.get("rows") for row in reader.rows("072_estimate_between", names, values)]
    known = [int(rows) for rows in explained if rows is not None]
    if known and sum(known) > COUNT_UP_TO:
        return sum(known), True
    limit = COUNT_UP_TO * 10  # seekdb's EXPLAIN has no such column, and MySQL's can be far too low
    counted = int(reader.rows("070_count_between", names, {**values, "limit": limit})[0]["rlops_count"])
    return counted, counted >= limit


def read_retention(
    reader: Reader, oldest: datetime | None, months: Sequence[Mapping[str, Any]], now: datetime, zone: tzinfo
) -> dict[str, Any]:
    """What is due by the policy: whole months of interactions past the retention, but those that are held back from it,
    and past the move to cold storage.

    `days_late` counts from the day on which the oldest row could have gone. Times are in the writers' time zone.
    """
    policy = reader.sql.policy
    removed, stored = policy.retention.interactions_months, policy.archive.interactions_months
    archived = read_archived(reader)
    held, cold = ({month["month"] for month in archived or () if month[key]} for key in ("held", "finished"))
    return {
        "oldest": oldest and oldest.replace(tzinfo=zone),
        "retention_months": removed,
        "archive_months": stored,
        **_due("", *_without(held, oldest, months, now), now, keep=removed, zone=zone),
        **_due("archive_", *_without(cold, oldest, months, now), now, keep=stored, zone=zone),
        "archived_months": archived,
    }


def _without(
    names: Container[str], oldest: datetime | None, months: Sequence[Mapping[str, Any]], now: datetime
) -> tuple[datetime | None, list[Mapping[str, Any]]]:
    """The oldest interaction and the months, but those of these names."""
    left = [month for month in months if month["month"] not in names]
    if oldest is not None and f"{oldest:%Y-%m}" in names:
        first = next((month["month"] for month in left if month["rows"]), f"{now:%Y-%m}")
        oldest = datetime.strptime(first, "%Y-%m")
    return oldest, left


def read_archived(reader: Reader) -> list[dict[str, Any]] | None:
    """What cold storage holds of each month by rlops' own record; None where there is none.

    A month is `finished` when all of its parts were read back; `held` when a restore keeps retention from it.
    """
    if TABLE not in journal.existing(reader.db):
        return None
    rows = reader.ask("archive", TABLE, "067_archived_months")
    if rows is None:
        return None
    return [
        {
            "month": row["month"], "parts": int(row["parts"]), "rows": int(row["row_count"]), "bytes": int(row["bytes"]),
            "finished": bool(row["finished"]), "held": bool(row["held"]),
        }
        for row in rows
    ]  # fmt: skip


def _due(
    prefix: str, oldest: datetime | None, months: Sequence[Mapping[str, Any]], now: datetime, *, keep: int, zone: tzinfo
) -> dict[str, Any]:
    edge = cutoff(now, keep)
    due = [month for month in months if month["month"] < f"{edge:%Y-%m}" and month["rows"]]
    rows = sum(month["rows"] for month in due)
    found = {
        f"{prefix}cutoff": edge.replace(tzinfo=zone),
        f"{prefix}months_due": len(due),
        f"{prefix}rows_due": rows,
        f"{prefix}rows_due_estimated": any(month["rows_estimated"] for month in due),
        f"{prefix}days_late": 0,
    }
    if oldest is not None and oldest < edge:
        could_go = cutoff(next_month(cutoff(oldest, 0)), -keep)
        found[f"{prefix}days_late"] = (now - could_go).days
        found[f"{prefix}months_due"] = len(due) or 1
    return found
