"""What every command of long work tells in its JSON of its chunks and its job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rlops.plan import StepResult

NOTHING: Mapping[str, Any] = {
    "late_rows": 0, "left_rows": None, "chunks": 0, "paused_seconds": 0.0, "job": None, "resumed": False,
}  # fmt: skip


def account(results: Sequence[StepResult]) -> dict[str, object]:
    """Rows of this run, `late_rows` among them those that came meanwhile; `left_rows` is an estimate.

    `job` is the number that `rlops jobs` knows it by; `resumed`: an earlier run had begun it.
    """
    long = [result for result in results if result.job is not None]
    left = [result.left for result in long]
    return {
        "deleted_rows": sum(result.rows or 0 for result in long),
        "late_rows": sum(result.late_rows for result in long),
        "left_rows": None if None in left else sum(number or 0 for number in left),
        "chunks": sum(result.chunks for result in long),
        "paused_seconds": round(sum(result.paused_seconds for result in long), 3),
        "job": long[-1].job if long else None,
        "resumed": any(result.resumed for result in long),
    }
