"""How fast the interactions grow, measured on their own timestamps, and what that makes of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from rlops.clock import dated
from rlops.db import Conflict, ServerError, TimedOut
from rlops.ops.declared import INTERACTIONS
from rlops.ops.monitor.probe import Reader, Server
from rlops.ops.monitor.sizes import bytes_per_row
from rlops.policy import Policy

DAYS = 28  # four whole weeks, since traffic has a weekly rhythm
COUNT_UP_TO = 200_000  # rows of those days; more are sampled
# A prime number of windows, evenly spread, falls on as many different times of the day and of the week.
WINDOWS = 41
WINDOW = timedelta(minutes=10)
WINDOW_UP_TO = 50_000  # rows
YEAR = 365  # days


@dataclass(frozen=True)
class Rate:
    """Interactions a day in the whole days from `since` to `until`; or in `reason`, why there is no such number."""

    rows_per_day: float | None = None
    estimated: bool = False
    since: datetime | None = None
    until: datetime | None = None
    oldest: datetime | None = None
    newest: datetime | None = None
    source: str = ""
    reason: str | None = None


def read_growth(reader: Reader, table: Mapping[str, Any] | None, key: str | None) -> dict[str, Any]:
    """Rows a day, bytes a row and bytes a year beside the planned ones; None, with a reason, for what isn't known.

    `table` is what sizes tell of the interactions, `key` the index by time. Removed rows are not taken off: it is
    growth before retention.
    """
    policy = reader.sql.policy
    rate = _rate(reader, key, policy) if table else Rate(reason=f"there is no table {INTERACTIONS}")
    absent = (None, "", f"there is no table {INTERACTIONS}")
    per_row, per_row_source, per_row_reason = bytes_per_row(table, reader.db.family) if table else absent
    known = rate.rows_per_day is not None and per_row is not None
    per_year = round((rate.rows_per_day or 0) * YEAR * (per_row or 0)) if known else None
    planned = policy.growth.bytes_per_year
    return {
        "rows_per_day": rate.rows_per_day,
        "rows_per_day_estimated": rate.estimated,
        "since": rate.since,
        "until": rate.until,
        "oldest": rate.oldest,
        "newest": rate.newest,
        "bytes_per_row": per_row,
        "bytes_per_row_source": per_row_source,
        "bytes_per_year": per_year,
        "estimated": True,
        "source": rate.source,
        "reason": rate.reason or per_row_reason,
        "planned_rows_per_day": policy.growth.rows_per_day,
        "planned_bytes_per_year": planned,
        "times_plan": round(per_year / planned, 3) if per_year is not None and planned else None,
    }


def whole_days(oldest: datetime, now: datetime) -> tuple[datetime, datetime] | None:
    """The latest whole days, at most DAYS of them, that have data from their first minute on; None if there is none."""
    until = _midnight(now)
    since = max(until - timedelta(days=DAYS), _midnight(oldest + timedelta(days=1) - timedelta(microseconds=1)))
    return (since, until) if since < until else None


def windows(since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """WINDOWS short windows, evenly spread from `since` to `until`."""
    step = (until - since) / WINDOWS
    starts = [(since + number * step).replace(microsecond=0) for number in range(WINDOWS)]
    return [(start, start + WINDOW) for start in starts]


def writers_zone(server: Server, name: str) -> tzinfo:
    """The time zone of the interactions' timestamps: a named one, or the offset that the server has now."""
    if name != "server":
        return ZoneInfo(name)
    return timezone(timedelta(minutes=round((server.local_now - server.utc_now).total_seconds() / 60)))


def writers_clock(server: Server, zone: tzinfo) -> datetime:
    """The server's clock in that zone, without an offset, as DATETIME columns keep it."""
    return server.utc_now.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def _midnight(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0, second=0, microsecond=0)


def _rate(reader: Reader, key: str | None, policy: Policy) -> Rate:
    name, source = "growth", "the interactions' own timestamps"
    if key is None:
        reader.note(
            name, "unavailable", source, "an index that starts with timestamp: `rlops verify` tells what is missing"
        )
        return Rate(reason="no index starts with timestamp")
    zone = writers_zone(reader.server, policy.writers_time_zone)
    now = writers_clock(reader.server, zone)
    try:
        rate = _measure(reader, {"table": INTERACTIONS, "key": key}, now)
    except ServerError as error:
        reader.failed(name, source, "070_count_between", error)
        return Rate(reason="the interactions could not be counted")
    if rate.rows_per_day is None:
        reader.note(name, "unavailable", source, rate.reason)
    else:
        reader.note(name, "ok", rate.source)
    times = {field: getattr(rate, field) for field in ("since", "until", "oldest", "newest")}
    return replace(rate, **{field: time and time.replace(tzinfo=zone) for field, time in times.items()})


def _measure(reader: Reader, names: dict[str, str], now: datetime) -> Rate:
    ends = reader.rows("060_first_and_last", names)[0]
    if ends["rlops_oldest"] is None:
        return Rate(reason="there are no interactions yet")
    oldest = dated(ends["rlops_oldest"])
    rate = Rate(oldest=oldest, newest=dated(ends["newest"]))
    days = whole_days(oldest, now) if oldest < now else None
    if days is None:
        return replace(rate, reason="the interactions don't cover a whole day yet")
    since, until = days
    rate = replace(rate, since=since, until=until)
    number = (until - since).days
    counted = _all(reader, names, since, until)
    if counted is not None:
        what = f"the {counted:,} interactions of {number} whole days, counted"
        return replace(rate, rows_per_day=round(counted / number, 1), source=what)
    samples = [_count(reader, names, *window, WINDOW_UP_TO) for window in windows(since, until)]
    if max(samples) >= WINDOW_UP_TO:
        return replace(rate, reason=f"more than {WINDOW_UP_TO:,} interactions in ten minutes are too many to count")
    share = WINDOW * WINDOWS / timedelta(days=1)
    what = f"{sum(samples):,} interactions in {WINDOWS} windows of ten minutes, spread over {number} whole days"
    return replace(rate, rows_per_day=round(sum(samples) / share, 1), estimated=True, source=what)


def _all(reader: Reader, names: dict[str, str], since: datetime, until: datetime) -> int | None:
    """All interactions of the days; None if they are too many, or the server too busy, to count them."""
    try:
        counted = _count(reader, names, since, until, COUNT_UP_TO)
    except (TimedOut, Conflict):
        return None
    return counted if counted < COUNT_UP_TO else None


def _count(reader: Reader, names: dict[str, str], since: datetime, until: datetime, limit: int) -> int:
    return int(
        reader.rows("070_count_between", names, {"since": since, "until": until, "limit": limit})[0]["rlops_count"]
    )
