"""The server's clock, in the writers' time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from rlops.db import Database
from rlops.errors import Refused, Usage

EARLIEST = datetime(1000, 1, 1)  # MySQL's least DATETIME by its manual; it stores others, which stand for no date


def writers_now(db: Database, time_zone: str) -> datetime:
    """The server's clock in the writers' time zone, without an offset, as DATETIME columns keep it.

    Named zones are converted here, since the server's time zone tables are often empty (error 1298).
    """
    if time_zone != "server":
        utc: datetime = db.value("SELECT UTC_TIMESTAMP()").replace(tzinfo=UTC)
        return utc.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)
    with _in_servers_zone(db):
        local: datetime = db.value("SELECT NOW()")
    return local


def zoned(db: Database, time_zone: str, *times: datetime) -> list[datetime]:
    """Times by the writers' clock with the offsets that they have there; with none of its own beyond what the server knows."""
    if time_zone != "server":
        return [when.replace(tzinfo=ZoneInfo(time_zone)) for when in times]
    with _in_servers_zone(db):
        return [_in_session_zone(db, when) for when in times]


def _in_session_zone(db: Database, when: datetime) -> datetime:
    utc = when.replace(tzinfo=UTC).timestamp()
    known = float(db.value("SELECT UNIX_TIMESTAMP(%s)", (when,)) or utc)
    return when.replace(tzinfo=timezone(timedelta(seconds=utc - known)))


@contextmanager
def _in_servers_zone(db: Database) -> Iterator[None]:
    db.execute("SET SESSION time_zone = @@GLOBAL.time_zone")
    try:
        yield
    finally:
        db.execute("SET SESSION time_zone = '+00:00'")


def dated(value: datetime | str) -> datetime:
    """A time as the server has it. One without a day in the calendar, such as 2025-03-00, which PyMySQL gives as text,
    becomes the last second before the month that the server's order puts it ahead of.
    """
    if isinstance(value, datetime):
        return value
    year, month, day = map(int, value[:10].split("-"))
    if year < EARLIEST.year:
        return EARLIEST
    index = year * 12 + (month if day and month else max(month - 1, 0))
    return datetime(index // 12, index % 12 + 1, 1) - timedelta(seconds=1)


def cutoff(now: datetime, months: int) -> datetime:
    """Midnight on the first day of the current month minus `months`."""
    index = now.year * 12 + now.month - 1 - months
    return datetime(index // 12, index % 12 + 1, 1)


def closing(window: str, now: datetime) -> datetime:
    """When a maintenance window such as `22:30-04:00`, open now, closes; all in the writers' time zone.

    Raises Usage when it can't be understood, Refused when it isn't open now.
    """
    match = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", window)
    try:
        if not match:
            raise ValueError
        begin, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    except ValueError:
        raise Usage(
            f"--window {window!r} is not of the form 02:00-04:00", "Times are in the writers' time zone."
        ) from None
    opened = datetime.combine(now.date(), begin)
    if opened > now:
        opened -= timedelta(days=1)
    closes = datetime.combine(opened.date(), end) + timedelta(days=1 if end <= begin else 0)
    if now >= closes:
        raise Refused(
            f"the window {window} is closed; by the server's clock it is {now:%H:%M}. Nothing was changed",
            f"Run it after {begin:%H:%M}, or leave --window out.",
            "window_closed",
        )
    return closes


def seconds_between(db: Database, time_zone: str, start: datetime, end: datetime) -> float:
    """Seconds between two moments in the writers' time zone, in a night when its clocks are changed too.

    Of an hour that comes twice, the end is in the first and the start in the second: rather too few seconds.
    """
    if time_zone != "server":
        zone = ZoneInfo(time_zone)
        return end.replace(tzinfo=zone).timestamp() - start.replace(tzinfo=zone, fold=1).timestamp()
    db.execute("SET SESSION time_zone = @@GLOBAL.time_zone")
    try:
        return float(db.value("SELECT UNIX_TIMESTAMP(%s) - UNIX_TIMESTAMP(%s)", (end, start)))
    finally:
        db.execute("SET SESSION time_zone = '+00:00'")
