"""What the numbers mean: which thresholds are crossed, what is broken, what would be worth doing, and the command."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rlops import blockers
from rlops.errors import Usage
from rlops.ops.declared import INTERACTIONS
from rlops.ops.partition.definer import MEND
from rlops.policy import Policy, Thresholds
from rlops.sqlfiles import quote
from rlops.words import counted

Level = Literal["critical", "warning", "advice"]
Data = Mapping[str, Any]
ORDER: tuple[Level, ...] = ("critical", "warning", "advice")
LESS_IS_WORSE = ("days_to_limit", "months_ahead")


@dataclass(frozen=True)
class Problem:
    """One thing to know. `value` crossed `warning` or `critical`, where it is a number with a threshold."""

    check: str
    level: Level
    object: str
    message: str
    command: str = ""
    value: float | None = None
    warning: float | None = None
    critical: float | None = None


@dataclass(frozen=True)
class Measured:
    """A number that has a threshold of that name."""

    check: str
    object: str
    value: float
    message: str
    command: str = ""


def thresholds(policy: Policy, given: Iterable[str]) -> Thresholds:
    """The policy's thresholds with those of the command line, NAME=WARNING[,CRITICAL], in their place. Raises Usage."""
    known = asdict(policy.thresholds)
    for text in given:
        name, _, numbers = text.partition("=")
        try:
            values = [float(number) for number in numbers.split(",")]
        except ValueError:
            values = []
        if name not in known or len(values) not in (1, 2) or not all(map(math.isfinite, values)):
            raise Usage(
                f"--threshold {text!r} is not NAME=WARNING or NAME=WARNING,CRITICAL",
                f"The names are {', '.join(known)}; sql/policy.toml tells what they mean.",
            )
        known[name] = (*values, known[name][1])[:2]
    return Thresholds(**known)


def judge(data: Data, limits: Thresholds) -> list[dict[str, Any]]:
    """Every problem, the worst first, as the values of a JSON object."""
    problems = [*_crossed(_measured(data), limits), *_broken(data), *_advice(data)]
    return [asdict(each) for each in sorted(problems, key=lambda each: ORDER.index(each.level))]


def level(data: Data) -> str:
    """unknown (nothing is there to judge), ok, warning or critical, of data that is judged."""
    if not data["tables"]:
        return "unknown"
    worst = data["findings"][0]["level"] if data["findings"] else "ok"
    return "ok" if worst == "advice" else str(worst)


def _crossed(measured: Iterable[Measured], limits: Thresholds) -> Iterator[Problem]:
    for each in measured:
        warning, critical = getattr(limits, each.check)
        sign = -1 if each.check in LESS_IS_WORSE else 1
        reached = [sign * each.value >= sign * limit for limit in (warning, critical)]
        if each.check == "growth_times_plan":  # as much as was planned is as planned
            reached = [each.value > limit for limit in (warning, critical)]
        if any(reached):
            level: Level = "critical" if reached[1] else "warning"
            yield Problem(each.check, level, each.object, each.message, each.command, each.value, warning, critical)


def _measured(data: Data) -> Iterator[Measured]:
    yield from _growth(data)
    yield from _upkeep(data)
    yield from _rows(data)
    yield from _server(data)


def _growth(data: Data) -> Iterator[Measured]:
    growth, forecast = data["growth"], data["forecast"]
    if growth["times_plan"] is not None:
        said = f"it grows by {_size(growth['bytes_per_year'])} a year, {growth['times_plan']:,.1f} times the plan"
        yield Measured(
            "growth_times_plan", INTERACTIONS, growth["times_plan"], said,
            "write the room it needs into policy.toml (growth.bytes_per_year), or shorten the retention",
        )  # fmt: skip
    if forecast["days"] is not None:
        what = (
            "the disk is full"
            if forecast["limit"] == "disk"
            else f"the planned {_size(forecast['limit_bytes'])} are used up"
        )
        when = "now" if forecast["days"] == 0 else f"on {forecast['date']}, in {counted(forecast['days'], 'day')}"
        yield Measured(
            "days_to_limit", INTERACTIONS, forecast["days"], f"{what} {when}, if it grows on as it does",
            "give the disk more room and raise policy.toml's monitor.limit_bytes, or shorten the retention",
        )  # fmt: skip


def _upkeep(data: Data) -> Iterator[Measured]:
    late, partitions = data["retention"], data["partitions"]
    months = late["retention_months"]
    if late["days_late"]:
        rows = f"{'about ' if late['rows_due_estimated'] else ''}{counted(late['rows_due'], 'row')}"
        said = f"{rows} of {counted(late['months_due'], 'month')} should have been removed, the first of them"
        said += f" {counted(late['days_late'], 'day')} ago"
        yield Measured("retention_days_late", INTERACTIONS, late["days_late"], said, f"rlops cleanup --months {months}")
    if partitions["months_ahead"] is not None:
        said = f"{counted(partitions['months_ahead'], 'month')} ahead with a partition of their own"
        yield Measured("months_ahead", INTERACTIONS, partitions["months_ahead"], said, "rlops partition ensure")
    if partitions["catch_all_rows"]:
        least = "at least " if partitions["catch_all_rows_at_least"] else ""
        said, command = "which can't be split at once", "rlops partition ensure"
        if partitions["later_rows"] == partitions["catch_all_rows"]:
            said, command = "so far ahead that no month is made for them", partitions["later_rows_shown_by"]
        said = f"{least}{partitions['catch_all_rows']:,} rows in the catch-all {partitions['catch_all']}, {said}"
        yield Measured("catch_all_rows", INTERACTIONS, partitions["catch_all_rows"], said, command)


def _rows(data: Data) -> Iterator[Measured]:
    for each in data["orphans"]:
        where = "all" if each["complete"] else "the"
        said = f"{each['orphans']:,} of {where} {each['checked']:,} rows looked at have no {each['parent']}"
        yield Measured(
            "orphans", f"{each['table']}.{each['column']}", each["orphans"], said, "rlops verify --data --full"
        )
    for table in data["tables"]:
        if counter := table["auto_increment"]:
            said = f"{counter['share']:.0%} of the ids are used: the next is {counter['next']:,} of {counter['greatest']:,}"
            command = (
                f"ALTER TABLE {quote(table['name'])} MODIFY {quote(counter['column'])} BIGINT NOT NULL AUTO_INCREMENT"
            )
            yield Measured("auto_increment_share", table["name"], counter["share"], said, command)
    changes = data["changes"]
    errors = changes and changes["foreign_key_errors"]
    if errors and changes["foreign_key_errors_seconds"] >= 60:
        number = sum(errors.values())
        rate = number * 3600 / changes["foreign_key_errors_seconds"]
        said = f"foreign keys refused {number:,} statements since {changes['since']:%Y-%m-%d %H:%M} UTC, {rate:,.0f} an hour"
        yield Measured(
            "foreign_key_errors_per_hour", "server", round(rate, 1), said, "look for 1451 and 1452 in the shop's log"
        )


def _server(data: Data) -> Iterator[Measured]:
    sessions = data["sessions"]
    for each in (sessions["transactions"] or ())[:1]:
        doing = each["statement"][:60] or "idle"
        said = f"connection {each['id']} of {each['user']}@{each['host']} has had a transaction open for {each['seconds']:,} s ({doing})"
        yield Measured(
            "transaction_seconds", "server", each["seconds"], said, f"KILL {each['id']}, if it is nobody's work"
        )
    for wait in (sessions["lock_waits"] or ())[:1]:
        holders = wait["blocked_by"]
        by = "; ".join(_holder(each) for each in holders[:2]) or "a session that this account can't see"
        number = counted(len(sessions["lock_waits"]), "session")
        said = f"{number} waiting for a metadata lock, the longest for {wait['seconds']:,} s: {by}"
        kill = f"KILL {holders[0]['id']}" if holders and holders[0]["certain"] else "SHOW FULL PROCESSLIST"
        if holders and not holders[0]["id"]:
            kill = "XA RECOVER, then XA COMMIT or XA ROLLBACK"
        yield Measured("lock_wait_seconds", "schema", wait["seconds"], said, kill)
    if sessions["history_list"] is not None:
        said = f"{sessions['history_list']:,} transactions' undo waits for purge"
        yield Measured("history_list", "server", sessions["history_list"], said, "end the oldest transactions")
    for channel in sessions["replication"] or ():
        if channel["running"] and channel["lag_seconds"] is not None:
            said = f"this replica is {channel['lag_seconds']:,} s behind {channel['source']}"
            yield Measured(
                "replica_lag_seconds", _channel(channel), channel["lag_seconds"], said, "SHOW REPLICA STATUS"
            )


def _holder(each: Data) -> str:
    sure = f"holds {each['object']}" if each["certain"] else "may hold it"
    if not each["id"]:
        return f"{blockers.PREPARED} {sure}"
    return f"connection {each['id']} of {each['user']}@{each['host']} {sure}, for {each['seconds']:,} s"


def _channel(channel: Data) -> str:
    return f"channel {channel['channel']}" if channel["channel"] else "server"


def _broken(data: Data) -> Iterator[Problem]:
    """What has no number: it is so, or it isn't."""
    if data["tables"]:
        for name in data["absent"]:
            yield Problem("table", "critical", name, "it is missing, or this account may not see it", "rlops verify")
    for key in data["foreign_keys"]["missing"]:
        if not any(t["table"] == key["table"] and t["event"] == "INSERT" for t in data["triggers"] or ()):
            columns = ", ".join(key["columns"])
            seen = (
                "nothing keeps"
                if data["triggers"] is not None
                else "no key, and no trigger that this account sees, keeps"
            )
            said = f"{seen} {columns} true: the foreign key to {key['references']} is missing"
            yield Problem("foreign_key", "warning", key["table"], said, "rlops verify")
    for trigger in data["triggers"] or ():
        if trigger["problem"]:
            event = f"{trigger['event']} on {trigger['table']}"
            said = f"every {event} fails: {trigger['problem']}"
            yield Problem("trigger", "critical", trigger["name"], said, "rlops verify")
    if data["lost_triggers"]:
        said = f"what keeps their users and products true is missing or changed: {', '.join(data['lost_triggers'])}"
        yield Problem("integrity", "critical", INTERACTIONS, said, MEND)
    for lack in data["definers"]:
        said = f"it {lack['actual']}, and the triggers that keep integrity run as it: statements that fire them fail (1142)"
        yield Problem("definer", "critical", lack["object"], said, lack["hint"])
    for gap in data["partitions"]["gaps"]:
        said = f"the partition {gap['name']} is not of one month: {gap['from']:%Y-%m-%d} to {gap['to']:%Y-%m-%d}"
        yield Problem("partition_gap", "warning", INTERACTIONS, said, "rlops partition status")
    for channel in data["sessions"]["replication"] or ():
        if not channel["running"]:
            said = f"this replica has stopped following {channel['source']}: {channel['error'] or 'no error is given'}"
            yield Problem("replication", "critical", _channel(channel), said, "SHOW REPLICA STATUS")


def _advice(data: Data) -> Iterator[Problem]:
    for index in data["indexes"]:
        where = f"{index['table']}.{index['name']}"
        saves = f"; without it {_size(index['bytes'])} are free" if index["bytes"] else ""
        if index["redundant_with"]:
            said = f"{index['redundant_with']} serves the same reads{saves}"
            yield Problem("index_redundant", "advice", where, said, _hide(data, index))
        elif index["used"] is False:
            said = f"nothing has read it for {index['unread_days']:,.0f} days{saves}"
            yield Problem("index_unused", "advice", where, said, _hide(data, index))
    kept = data["backups"]
    if kept["past_limit"]:
        said = f"{counted(kept['past_limit'], 'backup')} older than {kept['max_age_days']} days; all take about {_size(kept['bytes'])}"
        yield Problem("backups", "advice", "schema", said, "rlops backups list")


def _hide(data: Data, index: Data) -> str:
    how = {"mysql": "INVISIBLE", "mariadb": "IGNORED"}.get(data["family"])
    table, name = quote(index["table"]), quote(index["name"])
    if how is None:
        return f"ALTER TABLE {table} DROP INDEX {name}"
    return f"ALTER TABLE {table} ALTER INDEX {name} {how}, and drop it weeks later in an upgrade"


def _size(value: float | None) -> str:
    value = float(value or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.2f} TB"
