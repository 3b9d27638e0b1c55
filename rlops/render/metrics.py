"""The numbers of monitor as metrics: one list, which Prometheus, Nagios, the dashboard and the alert rules share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Data = Mapping[str, Any]
Sample = tuple[tuple[str, ...], float | None]
LEVELS = ("critical", "warning", "advice")


@dataclass(frozen=True)
class Metric:
    """One metric: its name, what it tells and in which unit, its labels, and how to read its samples from the data."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: Callable[[Data], Iterator[Sample]]


def _one(*path: str) -> Callable[[Data], Iterator[Sample]]:
    """The one number at that place."""

    def read(data: Data) -> Iterator[Sample]:
        found: Any = data
        for key in path:
            found = found and found[key]
        yield (), found if isinstance(found, int | float) else None

    return read


def _days(*path: str) -> Callable[[Data], Iterator[Sample]]:
    """The number of days at that place, in seconds."""
    return lambda data: ((labels, None if days is None else days * 86_400) for labels, days in _one(*path)(data))


def _each(key: str, number: str, *labels: str) -> Callable[[Data], Iterator[Sample]]:
    """A number of each object in a list, labelled by some of its values."""
    return lambda data: (((*(str(each[label]) for label in labels),), each[number]) for each in data[key])


def _time(*path: str) -> Callable[[Data], Iterator[Sample]]:
    def read(data: Data) -> Iterator[Sample]:
        found: Any = data
        for key in path:
            found = found and found[key]
        yield (), found.timestamp() if isinstance(found, datetime) else None

    return read


def _problems(data: Data) -> Iterator[Sample]:
    for level in LEVELS:
        yield (level,), sum(problem["level"] == level for problem in data["findings"])


def _probes(data: Data) -> Iterator[Sample]:
    for probe in data["probes"]:
        yield (probe["name"],), float(probe["status"] in ("ok", "unsupported"))


def _ids(data: Data) -> Iterator[Sample]:
    for table in data["tables"]:
        if table["auto_increment"]:
            yield (table["name"],), table["auto_increment"]["share"]


def _errors(data: Data) -> Iterator[Sample]:
    for key, number in (("child_refused", "1452"), ("parent_refused", "1451")):
        yield (number,), data["foreign_keys"]["errors"][key]


def _oldest_transaction(data: Data) -> Iterator[Sample]:
    open_ones = data["sessions"]["transactions"]
    yield (), None if open_ones is None else max((each["seconds"] for each in open_ones), default=0)


def _lock_waits(data: Data) -> Iterator[Sample]:
    waits = data["sessions"]["lock_waits"]
    yield (), None if waits is None else len(waits)


def _triggers(data: Data) -> Iterator[Sample]:
    triggers = data["triggers"]
    broken = len(data["definers"]) + sum(trigger["problem"] is not None for trigger in triggers or ())
    yield (), None if triggers is None else broken


def _replicas(data: Data) -> Iterator[Sample]:
    for each in data["sessions"]["replication"] or ():
        yield (each["channel"],), each["lag_seconds"]


def _stopped(data: Data) -> Iterator[Sample]:
    for each in data["sessions"]["replication"] or ():
        yield (each["channel"],), float(each["running"])


METRICS = (
    Metric("rlops_measured_timestamp_seconds", "When this was measured, by the server's clock.", (), _time("measured_at")),
    Metric("rlops_server_start_timestamp_seconds", "When the server started.", (), _time("server_started")),
    Metric("rlops_problems", "Thresholds crossed and things found broken, by level.", ("level",), _problems),
    Metric("rlops_probe_ok", "1 where a kind of number could be read, 0 where it could not.", ("probe",), _probes),
    Metric("rlops_table_rows", "Rows; counted, or the optimizer's estimate for large tables.", ("table",), _each("tables", "rows", "name")),
    Metric("rlops_table_data_bytes", "Bytes of rows, the optimizer's estimate.", ("table",), _each("tables", "data_bytes", "name")),
    Metric("rlops_table_index_bytes", "Bytes of indexes, the optimizer's estimate.", ("table",), _each("tables", "index_bytes", "name")),
    Metric("rlops_table_file_bytes", "Bytes of the files on the disk.", ("table",), _each("tables", "file_bytes", "name")),
    Metric("rlops_table_free_bytes", "Bytes free inside the files.", ("table",), _each("tables", "free_bytes", "name")),
    Metric("rlops_auto_increment_used_ratio", "Share of the ids that are used.", ("table",), _ids),
    Metric("rlops_rows_per_day", "Interactions a day, by their own timestamps.", (), _one("growth", "rows_per_day")),
    Metric("rlops_bytes_per_row", "Bytes of one interaction with its index entries.", (), _one("growth", "bytes_per_row")),
    Metric("rlops_growth_bytes_per_year", "Bytes a year before retention, measured.", (), _one("growth", "bytes_per_year")),
    Metric("rlops_planned_bytes_per_year", "Bytes a year that were planned.", (), _one("growth", "planned_bytes_per_year")),
    Metric("rlops_limit_bytes", "The room that was planned for the interactions.", (), _one("forecast", "limit_bytes")),
    Metric("rlops_seconds_to_limit", "Time until a limit is met; absent when none is.", (), _days("forecast", "days")),
    Metric("rlops_disk_free_bytes", "Free bytes of the disk, where rlops runs beside the server.", (), _one("disk", "free_bytes")),
    Metric("rlops_partition_months_ahead", "Months ahead with a partition of their own.", (), _one("partitions", "months_ahead")),
    Metric("rlops_catch_all_rows", "Rows in the catch-all partition; absent without one.", (), _one("partitions", "catch_all_rows")),
    Metric("rlops_retention_late_seconds", "For how long the oldest row could have been removed.", (), _days("retention", "days_late")),
    Metric("rlops_retention_rows_due", "Rows past the retention.", (), _one("retention", "rows_due")),
    Metric("rlops_archive_rows_due", "Rows past the move to cold storage.", (), _one("retention", "archive_rows_due")),
    Metric("rlops_oldest_row_timestamp_seconds", "The oldest interaction's time.", (), _time("retention", "oldest")),
    Metric("rlops_orphans", "Rows without a parent, of some.", ("table", "column"), _each("orphans", "orphans", "table", "column")),
    Metric("rlops_foreign_key_errors_total", "Statements that a foreign key refused, server-wide.", ("error",), _errors),
    Metric("rlops_broken_triggers", "Triggers whose definer is gone or lacks a privilege, and tables where it lacks one.", (), _triggers),
    Metric("rlops_index_rows_read_total", "Rows read through an index.", ("table", "index"), _each("indexes", "reads", "table", "name")),
    Metric("rlops_index_bytes", "Bytes of an index, an estimate.", ("table", "index"), _each("indexes", "bytes", "table", "name")),
    Metric("rlops_oldest_transaction_seconds", "Age of the server's oldest open transaction.", (), _oldest_transaction),
    Metric("rlops_metadata_lock_waits", "Sessions in the schema that wait for a metadata lock.", (), _lock_waits),
    Metric("rlops_history_list_length", "Transactions' undo that no purge has removed.", (), _one("sessions", "history_list")),
    Metric("rlops_replica_running", "1 while this replica follows its source.", ("channel",), _stopped),
    Metric("rlops_replica_lag_seconds", "How far this replica is behind.", ("channel",), _replicas),
    Metric("rlops_backups", "Backups kept in the schema.", (), _one("backups", "count")),
    Metric("rlops_backup_bytes", "Bytes of the backups, an estimate.", (), _one("backups", "bytes")),
    Metric("rlops_recorded_snapshots", "Snapshots that monitor --record keeps.", (), _one("recorded", "snapshots")),
)  # fmt: skip
