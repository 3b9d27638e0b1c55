"""The JSON document, schema rlops/1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rlops import engines
from rlops.plan import Answer

SCHEMA = "rlops/1"


def document(answer: Answer, target: Mapping[str, Any], engine: engines.Engine | None) -> str:
    """The answer as one line of JSON. Times are ISO-8601 with offset, bytes and seconds plain numbers."""
    error = answer.error
    return json.dumps(
        {
            "schema": SCHEMA,
            "command": answer.command,
            "target": {
                "engine": engine.name.lower() if engine else None,
                "version": engine.version if engine else None,
                "host": target.get("host"),
                "database": target.get("database"),
                "profile": target.get("profile"),
            },
            "status": answer.exit.status,
            "exit_code": int(answer.exit),
            "dry_run": answer.dry_run,
            "steps": [
                {
                    "name": step.name, "file": step.file, "status": step.status, "rows": step.rows,
                    "seconds": step.seconds, "error": step.error, "sql": step.sql,
                    "needs": step.needs, "locks": step.locks, "algorithm": step.algorithm or None,
                }
                for step in answer.steps
            ],
            "plan_hash": answer.plan_hash or None,
            "notes": list(answer.notes),
            "next": answer.next or None,
            "data": dict(answer.data),
            "error": {"code": error.code, "message": error.message, "hint": error.hint} if error else None,
        },
        default=_plain,
        ensure_ascii=False,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, date | Path):
        return str(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)
