"""What monitor finds on a large shop with troubles, by hand: for tests of how it is judged and shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from rlops import policy, sqlfiles
from rlops.errors import Exit
from rlops.ops.monitor import verdict
from rlops.plan import Answer

NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
TABLE = "user_product_interactions"
POLICY = policy.load(sqlfiles.default_root() / "policy.toml")


def sizes(**changed: Any) -> dict[str, Any]:
    """One table of `tables`."""
    whole = {
        "name": TABLE, "rows": 180_000_000, "rows_estimated": True, "rows_source": "TABLE_ROWS", "data_bytes": 50_000_000_000,
        "index_bytes": 40_000_000_000, "sizes_estimated": True, "file_bytes": 92_000_000_000, "files": 14,
        "free_bytes": 500_000_000, "bytes_per_row": 500.0, "changed": NOW - timedelta(days=40), "next_id": 180_000_001,
        "auto_increment": {"column": "id", "next": 180_000_001, "greatest": 2**31 - 1, "share": 0.084, "source": "s"},
        "sources": {},
    }  # fmt: skip
    return whole | changed


def index(name: str = "idx_session", **changed: Any) -> dict[str, Any]:
    """One index of `indexes`."""
    whole = {
        "key": f"{TABLE}.{name}(a)", "table": TABLE, "name": name, "columns": ["session_id", "b"], "unique": False, "visible": True,
        "reads": 0, "reads_recorded": 0, "unread_days": 40.0, "evidence": (0, 40 * 86_400.0), "used": False, "needed_by": None,
        "redundant_with": None, "counters": "performance_schema", "source": "performance_schema, since", "needs_days": 30,
        "reads_since": NOW - timedelta(days=3), "bytes": 9_000_000_000, "bytes_estimated": True,
    }  # fmt: skip
    return whole | changed


def statement(**changed: Any) -> dict[str, Any]:
    """One statement of `statements`."""
    whole = {
        "statement": "SELECT\n * FROM `user_product_interactions` WHERE `reward` > ? " * 9, "executions": 3_000, "total_seconds": 9_000.0,
        "mean_seconds": 3.0, "max_seconds": 9.5, "p95_seconds": 4.5, "p99_seconds": 9.0, "rows_examined": 10**9, "rows_sent": 9,
        "rows_affected": 0, "scans": 3_000, "first_seen": NOW, "last_seen": NOW, "source": "digests", "why": ["most time", "scans"],
    }  # fmt: skip
    return whole | changed


def session(**changed: Any) -> dict[str, Any]:
    """One session of `transactions` and `lock_waits`."""
    return {
        "id": 41,
        "user": "batch",
        "host": "10.0.0.9",
        "seconds": 900,
        "statement": "",
        "rows_modified": 12,
    } | changed


def growth(**changed: Any) -> dict[str, Any]:
    """`growth`, 3.6 times the plan."""
    whole = {
        "rows_per_day": 500_123.4, "rows_per_day_estimated": True, "since": NOW, "until": NOW, "oldest": datetime(2025, 10, 3, tzinfo=UTC),
        "newest": NOW, "bytes_per_row": 500.0, "bytes_per_row_source": "by statistics", "bytes_per_year": 90_000_000_000,
        "estimated": True, "source": "sampled", "reason": None, "planned_rows_per_day": 500_000,
        "planned_bytes_per_year": 25_000_000_000, "times_plan": 3.6,
        "recorded": {"rows_per_day": 499_000.0, "bytes_per_day": 245_000_000.0, "days": 20.0, "since": NOW, "snapshots": 20},
    }  # fmt: skip
    return whole | changed


def data(**changed: Any) -> dict[str, Any]:
    """All of it, not judged yet."""
    holder = {
        "id": 7,
        "user": "report",
        "host": "h",
        "seconds": 700,
        "certain": True,
        "statement": "SELECT SLEEP(99)",
        "object": "users",
    }
    months = [
        {"month": f"{2025 + (n + 9) // 12}-{(n + 9) % 12 + 1:02}", "rows": 13_000_000 + n, "rows_estimated": True}
        for n in range(14)
    ]
    series = [
        {
            "at": NOW - timedelta(days=20 - n),
            "tables": {TABLE: {"rows": 170_000_000 + n, "bytes": 87_000_000_000 + n * 245_000_000}},
        }
        for n in range(20)
    ]
    whole = {
        "measured_at": NOW, "seconds": 0.42,
        "family": "mysql", "uptime_seconds": 259_200, "server_started": NOW - timedelta(days=3), "tables": [sizes()],
        "absent": [], "definers": [], "lost_triggers": [],
        "partitions": {
            "partitioned": True, "months_ahead": 1, "catch_all": "p_future", "catch_all_rows": 12, "catch_all_rows_at_least": False,
            "later_rows": 0, "later_rows_shown_by": "SELECT 1",
            "gaps": [], "source": "PARTITIONS", "partitions": [
                {"name": f"p20260{n}", "from": datetime(2026, n, 1), "to": datetime(2026, n + 1, 1), "bound": "", "rows": 15_000_000,
                 "rows_estimated": True, "size_bytes": 7_500_000_000, "size_source": "the file"} for n in range(1, 9)
            ] + [{"name": "p_future", "from": datetime(2026, 9, 1), "to": None, "bound": "MAXVALUE", "rows": 12, "rows_estimated": True,
                  "size_bytes": 163_840, "size_source": "the file"}],
        },
        "growth": growth(),
        "forecast": {
            "limit_bytes": 25_000_000_000, "limit": "planned", "used_bytes": 92_000_000_000, "bytes_per_day": 246_575_342.0, "source": "s",
            "levels_off_at_bytes": 97_000_000_000, "levels_off": date(2026, 11, 30), "days": 0, "date": NOW.date(), "estimated": True,
            "reason": None,
        },
        "disk": {"free_bytes": 200_000_000_000, "total_bytes": 400_000_000_000, "path": "/var/lib/mysql"}, "months": months,
        "retention": {
            "oldest": datetime(2025, 10, 3, tzinfo=UTC), "retention_months": 12, "archive_months": 6,
            "cutoff": datetime(2025, 11, 1, tzinfo=UTC), "months_due": 1, "rows_due": 13_000_000,
            "rows_due_estimated": True, "days_late": 21,
            "archive_cutoff": datetime(2026, 5, 1, tzinfo=UTC), "archive_months_due": 7, "archive_rows_due": 91_000_000,
            "archive_rows_due_estimated": True, "archive_days_late": 200, "archived_months": None,
        },
        "indexes": [index("PRIMARY", needed_by="primary key", used=None, reads=5), index(),
                    index("idx_old", redundant_with="idx_session")],
        "statements": [statement()],
        "foreign_keys": {
            "present": [], "missing": [], "errors": {"source": "s", "child_refused": 2, "parent_refused": 0},
        },
        "orphans": [{"table": TABLE, "column": "user_id", "parent": "users", "orphans": 3, "checked": 5_000, "complete": False}],
        "triggers": [{"name": "t1", "table": "users", "timing": "AFTER", "event": "DELETE", "definer": "gone@%",
                      "problem": "its definer gone@% does not exist (1449)"}],
        "sessions": {
            "transactions": [session()], "history_list": 1_200_000,
            "lock_waits": [session(id=42, statement="ALTER TABLE users ADD x INT", state="Waiting for table metadata lock",
                                   blocked_by=[holder])],
            "replication": [{"source": "db1", "channel": "", "lag_seconds": 75, "running": True, "error": None}],
        },
        "backups": {"count": 2, "bytes": 9_000_000, "bytes_estimated": True, "oldest": datetime(2026, 1, 1, tzinfo=UTC),
                    "past_limit": 1, "max_age_days": 90},
        "recorded": {"snapshots": 20, "since": series[0]["at"], "until": series[-1]["at"], "series": series},
        "changes": {
            "since": NOW - timedelta(hours=1), "seconds": 3600.0, "restarted": False,
            "tables": {TABLE: {"rows": 20_000, "bytes": 10_000_000}},
            "foreign_key_errors": {"child_refused": 150, "parent_refused": 0}, "foreign_key_errors_seconds": 3600.0, "statements": 99,
        },
        "probes": [
            {"name": "rows", "status": "ok", "source": "COUNT(*)", "needs": None},
            {"name": "file_sizes", "status": "denied", "source": "x", "needs": "GRANT PROCESS ON *.* TO 'a'@'%'"},
        ],
    }  # fmt: skip
    return whole | changed


def judged(**changed: Any) -> dict[str, Any]:
    """All of it with the verdict, by the policy that comes with rlops."""
    found = data(**changed)
    limits = verdict.thresholds(POLICY, ())
    found["findings"] = verdict.judge(found, limits)
    found["verdict"] = verdict.level(found)
    found["thresholds"] = {name: list(getattr(limits, name)) for name in limits.__dataclass_fields__}
    return found


def answer(**changed: Any) -> Answer:
    """As the command gives it."""
    return Answer("monitor", Exit.FINDINGS, judged(**changed))
