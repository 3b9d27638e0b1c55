"""The table of `rlops jobs list`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType

from rlops.plan import Answer
from rlops.render.cells import number, table, when


def view(answer: Answer) -> Iterator[RenderableType]:
    """One line a job."""
    if not answer.data["jobs"]:
        return
    jobs = table("job", "command", "state", "rows", "of about", "last word (UTC)", "by", "")
    for job in answer.data["jobs"]:
        by = f"{job['os_user']}@{job['host']} (pid {job['pid']})" if job["host"] else ""
        jobs.add_row(
            str(job["id"]), job["command"], job["state"], number(job["rows"]), number(job["total_rows"]),
            when(job["updated_at"]), by, _said(job),
        )  # fmt: skip
    yield jobs


def _said(job: dict[str, Any]) -> str:
    """Why it waits, or what is asked of it."""
    if job["waiting"]:
        return f"waiting: {job['waiting']}"
    if job["state"] == "aborted":
        return f"by {job['requested_by']}"
    return f"{job['request']} asked by {job['requested_by']}" if job["request"] else ""
