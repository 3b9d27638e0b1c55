"""One line for Nagios and its heirs: the state, the worst problem, and performance data; with Nagios's own exit codes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rlops.plan import Answer
from rlops.words import counted

STATES = {"ok": ("OK", 0), "warning": ("WARNING", 1), "critical": ("CRITICAL", 2), "unknown": ("UNKNOWN", 3)}


def report(answer: Answer) -> tuple[str, int]:
    """The text and the exit code: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, when nothing could be looked at."""
    if answer.error is not None or "verdict" not in answer.data:
        said = answer.error.message if answer.error else "nothing was measured"
        return f"UNKNOWN - {_safe(said)}", 3
    data = answer.data
    state, code = STATES[data["verdict"]]
    problems = [problem for problem in data["findings"] if problem["level"] != "advice"]
    said = "; ".join(f"{problem['object']}: {problem['message']}" for problem in problems[:3])
    more = f" (and {counted(len(problems) - 3, 'more problem')})" if len(problems) > 3 else ""
    quiet = (
        "none of the tables is here, or this account sees none"
        if code == 3
        else f"{counted(len(data['tables']), 'table')}, no threshold crossed"
    )
    return f"{state} - {_safe(said or quiet)}{more} | {' '.join(_performance(data))}", code


def _safe(text: str) -> str:
    # The bar begins the performance data, and one line is all that is read.
    return " ".join(text.replace("|", "/").split())


def _performance(data: Mapping[str, Any]) -> Iterator[str]:
    limits = data["thresholds"]
    for table in data["tables"]:
        yield f"'{table['name']} rows'={_number(table['rows'])}"
        yield f"'{table['name']} bytes'={_number(table['file_bytes'])}B"
    growth, forecast, sessions = data["growth"], data["forecast"], data["sessions"]
    yield _limited("growth_times_plan", growth["times_plan"], limits)
    yield _limited("days_to_limit", forecast["days"], limits, less=True)
    yield _limited("retention_days_late", data["retention"]["days_late"], limits)
    yield _limited("catch_all_rows", data["partitions"]["catch_all_rows"], limits)
    yield _limited("history_list", sessions["history_list"], limits)
    open_ones = sessions["transactions"]
    oldest = None if open_ones is None else max((each["seconds"] for each in open_ones), default=0)
    yield _limited("transaction_seconds", oldest, limits)


def _limited(name: str, value: float | None, limits: Mapping[str, Any], less: bool = False) -> str:
    warning, critical = (f"{limit:g}{':' if less else ''}" for limit in limits[name])
    return f"{name}={_number(value)};{warning};{critical}"


def _number(value: float | None) -> str:
    return "U" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
