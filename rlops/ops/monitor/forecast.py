"""Where the interactions' size is going: against the plan, and the date on which a limit is met."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rlops.db import Lost, ServerError
from rlops.ops.monitor.probe import Reader

DAYS_A_MONTH = 365 / 12
FARTHEST = 36_500  # days; a date beyond a century is no forecast
RECORDED_DAYS = 7  # of snapshots, before their growth is taken where the data tells none


def read_disk(reader: Reader) -> dict[str, Any] | None:
    """The free bytes of the disk with the data, where that disk is this machine's; SQL itself can't tell."""
    source = "the file system of the server's datadir"
    try:
        row = reader.db.row("SELECT @@datadir AS folder, @@hostname AS host") or {}
    except ServerError as error:
        if isinstance(error, Lost):
            raise
        row = {}
    folder = Path(str(row.get("folder") or "."))
    if not folder.is_absolute() or row.get("host") != socket.gethostname():
        reader.note("disk", "unavailable", source, "to be run on the database's own machine: SQL can't see its disk")
        return None
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        reader.note("disk", "unavailable", source, f"to see the folder {folder}, which this process can't")
        return None
    reader.note("disk", "ok", f"{source}, {folder}")
    return {"free_bytes": usage.free, "total_bytes": usage.total, "path": str(folder)}


def forecast(
    table: Mapping[str, Any] | None, growth: Mapping[str, Any], limit: int, *, disk: Mapping[str, Any] | None,
    oldest: datetime | None, now: datetime, months: int,
) -> dict[str, Any]:  # fmt: skip
    """The date on which the interactions meet `limit` bytes, or the disk is full, whichever comes first.

    Growth is taken as constant until the oldest row has reached the retention of `months`; from then on as much goes as
    comes. `days` is None when no limit is met.
    """
    used = _used(table)
    per_day, source = _per_day(growth)
    answer: dict[str, Any] = {
        "limit_bytes": limit, "limit": None, "used_bytes": used, "bytes_per_day": per_day, "source": source,
        "levels_off_at_bytes": None, "levels_off": None, "days": None, "date": None, "estimated": True, "reason": None,
    }  # fmt: skip
    if used is None or per_day is None:
        return answer | {"reason": growth["reason"] or "the growth is not known"}
    kept = (months + 1) * DAYS_A_MONTH  # whole months are kept beside the current one
    held = (now - oldest).total_seconds() / 86_400 if oldest else 0.0
    top = FARTHEST * per_day  # a retention that is late levels nothing off
    if held <= kept:
        top = round(per_day * (kept - held))
        answer |= {"levels_off_at_bytes": used + top, "levels_off": (now + timedelta(days=kept - held)).date()}
    rooms = {"planned": limit - used} | ({"disk": disk["free_bytes"]} if disk else {})
    met = [(max(0.0, room / per_day) if room > 0 else 0.0, name) for name, room in rooms.items() if room <= top]
    if per_day > 0 and met and min(met)[0] < FARTHEST:
        days, name = min(met)
        answer |= {"days": int(days), "limit": name, "date": (now + timedelta(days=days)).date()}
    return answer


def _used(table: Mapping[str, Any] | None) -> int | None:
    if table is None:
        return None
    if table["file_bytes"] is not None:
        return int(table["file_bytes"])
    parts = (table["data_bytes"], table["index_bytes"])
    return None if None in parts else int(sum(parts))


def _per_day(growth: Mapping[str, Any]) -> tuple[float | None, str | None]:
    if growth["bytes_per_year"] is not None:
        return growth["bytes_per_year"] / 365, "rows a day and bytes a row, measured on the data"
    recorded = growth["recorded"]
    if recorded and recorded["bytes_per_day"] is not None and recorded["days"] >= RECORDED_DAYS:
        return recorded["bytes_per_day"], f"{recorded['snapshots']} recorded snapshots"
    return None, None
