"""What a look at the rows gave, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from rlops.errors import Exit, RlopsError
from rlops.ops.data.rows import NOTED
from rlops.ops.data.scan import Range
from rlops.structure import Finding
from rlops.words import counted

Status = Literal["ok", "findings", "denied", "unavailable"]


@dataclass(frozen=True)
class Outcome:
    """What one check says of one place: its findings, the rows behind them, and why it could not look, or not to the end."""

    check: str
    object: str
    status: Status
    findings: tuple[Finding, ...] = ()
    rows: int = 0
    reason: str = ""


def outcome(check: str, place: str, findings: tuple[Finding, ...], rows: int, problem: RlopsError | None) -> Outcome:
    """The outcome of a check that found so much, or that a problem ended: what was found until then is still true."""
    if problem is None:
        return Outcome(check, place, "findings" if findings else "ok", findings, rows)
    status: Status = "denied" if problem.exit is Exit.DENIED else "unavailable"
    return Outcome(check, place, "findings" if findings else status, findings, rows, f"{status}: {problem.message}")


@dataclass
class Report:
    """What a look at the rows gave. `interrupted`: somebody stopped it, and the ranges say how far it came."""

    outcomes: list[Outcome] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    further: list[Range] = field(default_factory=list)  # below those, where orphans alone were looked for
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The findings of all checks, each {check, object, expected, actual, hint}."""
        return [asdict(finding) for outcome in self.outcomes for finding in outcome.findings]

    @property
    def complete(self) -> bool:
        """Whether every row was looked at."""
        return not self.interrupted and all(each.complete for each in self.ranges)

    def reached(self) -> str:
        """How far it came."""
        return " and ".join(map(str, self.ranges))

    def data(self) -> dict[str, Any]:
        """The keys of a JSON object; `seconds` is wall time."""
        checks = [
            {"check": o.check, "object": o.object, "status": o.status, "findings": len(o.findings), "rows": o.rows}
            for o in self.outcomes
        ]
        return {
            "ranges": [asdict(each) for each in self.ranges],
            "further": [asdict(each) for each in self.further],
            "checked_rows": sum(each.rows for each in self.ranges),
            "complete": self.complete,
            "seconds": round(self.seconds, 3),
            "checks": checks,
        }

    def notes(self) -> Iterator[str]:
        """What was not looked at, and what was only counted."""
        for each in self.ranges:
            if not each.complete:
                yield f"data: looked at {each} only; --full looks at all"
        for each in self.further:
            where = "from the newest down again" if each.complete else "below that"
            yield f"data: orphans were looked for in {each} too; the next such run goes on {where}"
        for found in self.outcomes:
            if found.check in NOTED and found.rows:
                yield f"data: {counted(found.rows, 'row')} with NULL as {found.object}, which the table allows"
        for reason in dict.fromkeys(each.reason for each in self.outcomes if each.reason):
            checks = ", ".join(f"{found.check} of {found.object}" for found in self.outcomes if found.reason == reason)
            yield f"{reason} (not checked, or not to the end: {checks})"
