"""`sql/policy.toml` as frozen values; a key or a type that rlops does not know is refused with its file and line."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rlops.errors import Usage


@dataclass(frozen=True)
class Grants:
    """The application account and what it may do on each of the three tables."""

    user: str
    host: str
    privileges: tuple[str, ...]


@dataclass(frozen=True)
class Retention:
    """Months after which interactions go, and the share of the table that one unconfirmed run may remove."""

    interactions_months: int
    max_share_per_run: float
    models: str
    features: str


@dataclass(frozen=True)
class Archive:
    """Months after which interactions are copied to cold storage, and the most rows of one of its files.

    `purged`: whether a purge archives the rows before it deletes them. `max_erase_share`: of any place's rows, what one
    unconfirmed run may erase.
    """

    interactions_months: int
    schedule: str
    part_rows: int
    purged: bool
    max_erase_share: float


@dataclass(frozen=True)
class Growth:
    """The planned load: rows a day, bytes a year."""

    rows_per_day: int
    bytes_per_year: int
    users_per_day: int
    interactions_per_user: int


@dataclass(frozen=True)
class Partitions:
    """The partition scheme of the interactions.

    `new_tables`: whether migrate partitions a table that it creates. `expire_per_run`: months past the
    retention that one run drops at most. `hold_days`: how long a month's rows are kept aside after that.
    """

    column: str
    by: str
    catch_all: str
    months_ahead: int
    new_tables: bool
    expire_per_run: int
    hold_days: int


@dataclass(frozen=True)
class Backups:
    """How long a backup is expected to be kept, in days."""

    max_age_days: int


@dataclass(frozen=True)
class Journal:
    """How long the journal keeps a run, in days."""

    keep_days: int


@dataclass(frozen=True)
class Upgrade:
    """The size in bytes up to which an upgrade may copy a table while its writers wait."""

    max_copy_bytes: int


@dataclass(frozen=True)
class Throttle:
    """What long work holds itself to: seconds a chunk takes, seconds a replica lags, threads that run, the history
    list's length in undo logs, percent of a full redo log, transactions that a cluster's node has yet to apply.
    """

    chunk_seconds: float
    replica_lag: float
    threads_running: int
    history_list: int
    redo_log: int
    apply_queue: int


@dataclass(frozen=True)
class Monitor:
    """What monitor goes by. `limit_bytes`: the size of the interactions that was planned for.

    `evidence_days`: how long an index must have been seen unread to count as unused. `keep_days`: how long a recorded
    snapshot is kept.
    """

    limit_bytes: int
    evidence_days: int
    keep_days: int


@dataclass(frozen=True)
class Thresholds:
    """Where monitor begins to warn, and where it calls a thing critical. `days_to_limit`, `months_ahead`: less is worse."""

    growth_times_plan: tuple[float, ...]
    days_to_limit: tuple[float, ...]
    retention_days_late: tuple[float, ...]
    months_ahead: tuple[float, ...]
    catch_all_rows: tuple[float, ...]
    orphans: tuple[float, ...]
    foreign_key_errors_per_hour: tuple[float, ...]
    transaction_seconds: tuple[float, ...]
    lock_wait_seconds: tuple[float, ...]
    history_list: tuple[float, ...]
    replica_lag_seconds: tuple[float, ...]
    auto_increment_share: tuple[float, ...]


@dataclass(frozen=True)
class Models:
    """The algorithms that a model may have."""

    algorithms: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """All of policy.toml."""

    schema_version: str
    writers_time_zone: str
    grants: Grants
    retention: Retention
    archive: Archive
    growth: Growth
    partitions: Partitions
    backups: Backups
    journal: Journal
    upgrade: Upgrade
    throttle: Throttle
    rewards: Mapping[str, Decimal]
    models: Models
    monitor: Monitor
    thresholds: Thresholds
    shapes: Mapping[str, Any]

    def fingerprint(self, *sections: str) -> str:
        """Identifies what these sections say, so that work which was begun under them isn't finished under others."""
        said = "\n".join(f"{section} = {getattr(self, section)!r}" for section in sections)
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def load(path: Path) -> Policy:
    """Read and check a policy file.

    Raises Usage (with file and line) when it can't be read, is not TOML, or has a wrong, unknown or missing key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        policy: Policy = _Reader(path, text).build(Policy, tomllib.loads(text), "")
    except OSError as error:
        raise Usage(
            f"{path}: can't be read ({error.strerror})", "Name a folder shaped like sql/ with --sql-dir."
        ) from error
    except UnicodeDecodeError as error:
        raise Usage(f"{path}: is not UTF-8 ({error.reason} at byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise Usage(f"{path}: {error}") from error
    _check(policy, _Reader(path, text))
    return policy


def _check(policy: Policy, reader: _Reader) -> None:
    if policy.writers_time_zone != "server":
        try:
            ZoneInfo(policy.writers_time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            reader.refuse("writers_time_zone", f"{policy.writers_time_zone!r} is not a time zone")
    least = {
        1: ("retention.interactions_months", "archive.interactions_months", "archive.part_rows", "backups.max_age_days",
            "journal.keep_days", "monitor.keep_days"),
        0: ("monitor.evidence_days", "partitions.hold_days"),
    }  # fmt: skip
    for number, key in ((number, key) for number, keys in least.items() for key in keys):
        if attrgetter(key)(policy) < number:
            reader.refuse(key, f"must be at least {number}")
    shares = {
        "max_erase_share": policy.archive.max_erase_share,
        "max_share_per_run": policy.retention.max_share_per_run,
    }
    for key, share in shares.items():
        if not 0 < share <= 1:
            reader.refuse(key, "must be above 0 and at most 1")
    for key, value in vars(policy.throttle).items():
        if value <= 0:
            reader.refuse(f"throttle.{key}", "must be above 0")
    for threshold in fields(policy.thresholds):
        if len(getattr(policy.thresholds, threshold.name)) != 2:
            reader.refuse(f"thresholds.{threshold.name}", "must be [warning, critical]")
    for privilege in policy.grants.privileges:
        if not re.fullmatch(r"[A-Z]+( [A-Z]+)*", privilege):
            reader.refuse("privileges", f"{privilege!r} is not a privilege's name")


class _Reader:
    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.lines = text.splitlines()

    def refuse(self, key: str, problem: str) -> None:
        section, _, name = key.rpartition(".")
        leaf = re.escape(name)
        pattern = re.compile(rf'^\s*(\[.*\b{leaf}\]|"?{leaf}"?\s*=)')
        found = [number for number, text in enumerate(self.lines, 1) if pattern.match(text)]
        header = next((number for number, text in enumerate(self.lines, 1) if text.startswith(f"[{section}]")), 0)
        line = next((number for number in found if number > header), found[0] if found else 1)
        raise Usage(f"{self.path}:{line}: {key} {problem}")

    def build(self, kind: Any, value: Any, key: str) -> Any:
        if is_dataclass(kind):
            return self._dataclass(kind, value, key)
        if get_origin(kind) is tuple:
            self._expect(isinstance(value, list), key, "must be a list")
            return tuple(self.build(get_args(kind)[0], item, key) for item in value)
        if get_origin(kind) is Mapping:
            self._expect(isinstance(value, dict), key, "must be a table")
            inner = get_args(kind)[1]
            return types.MappingProxyType(
                {name: self.build(inner, item, f"{key}.{name}") for name, item in value.items()}
            )
        if kind is Decimal:
            return self._decimal(value, key)
        if kind is float:
            self._expect(isinstance(value, int | float) and not isinstance(value, bool), key, "must be a number")
            self._expect(math.isfinite(value), key, "must be a finite number")
            return float(value)
        if kind in (int, str, bool):
            self._expect(type(value) is kind, key, f"must be of type {kind.__name__}")
        return value

    def _dataclass(self, kind: Any, value: Any, key: str) -> Any:
        self._expect(isinstance(value, dict), key, "must be a table")
        prefix = f"{key}." if key else ""
        known = {field.name for field in fields(kind)}
        for name in value:
            self._expect(name in known, prefix + name, "is not a key that rlops knows")
        for name in sorted(known - set(value)):
            self._expect(False, key or name, f"is missing ({prefix}{name})")
        hints = get_type_hints(kind)
        return kind(**{name: self.build(hints[name], item, prefix + name) for name, item in value.items()})

    def _decimal(self, value: Any, key: str) -> Decimal:
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        self._expect(number.is_finite(), key, "must be a decimal number")
        return number

    def _expect(self, holds: bool, key: str, problem: str) -> None:
        if not holds:
            self.refuse(key, problem)
