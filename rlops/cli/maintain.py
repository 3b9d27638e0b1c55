"""rlops maintain."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from rlops import lock, standing
from rlops.cli.archive import carry_out, destination, request
from rlops.cli.monitor import Looks
from rlops.cli.options import answered, command, new_app
from rlops.cli.session import Session
from rlops.db import Database
from rlops.errors import Exit, Usage, unexpected
from rlops.plan import Answer, Plan, StepResult, StepStatus
from rlops.render import units
from rlops.sqlfiles import SqlFolder

app = new_app()

WORST = (Exit.INTERRUPTED, Exit.FAILED, Exit.USAGE, Exit.DENIED, Exit.REFUSED, Exit.BLOCKED, Exit.FINDINGS, Exit.OK)


@dataclass(frozen=True)
class Part:
    """One command of the maintenance; `long` ones keep to a pace and a time."""

    command: str
    run: Callable[[Session], Answer]
    long: bool = False


def _ahead(session: Session) -> Answer:
    from rlops.ops.partition import ensure as op

    return session.write(op.upkeep, op.verify)


def _archive(session: Session) -> Answer:
    from rlops.ops.archive import run as op

    return session.write(lambda db, sql: op.plan(db, sql, request(session, db)), op.verify)


def _cleanup(session: Session) -> Answer:
    from rlops.ops import cleanup as op
    from rlops.ops.archive import retention

    def plan(db: Database, sql: SqlFolder) -> Plan:
        months = sql.policy.retention.interactions_months
        return retention.plan(db, sql, months, request(session, db, months))

    return session.write(plan, op.verify)


def _erase(session: Session) -> Answer:
    from rlops.ops.archive.erase import Eraser

    return carry_out(session, Eraser(None, destination(session, None), "rlops archive erase"))


def _check(session: Session) -> Answer:
    from rlops.ops import verify as op

    with session.screen.progress() as emit:
        return session.read(lambda db, sql: op.upkeep(db, sql, keep=not session.common.dry_run, emit=emit))


def _snapshot(session: Session) -> Answer:
    from rlops.ops import monitor as op

    looks = Looks(session, op.Wish(), not session.common.dry_run, None, None)
    return session.read(lambda db, sql: looks.look(db, sql)[0])


PARTS = (
    Part("partition ensure", _ahead),
    Part("archive run", _archive),
    Part("cleanup", _cleanup, long=True),
    Part("archive erase", _erase, long=True),
    Part("verify", _check),
    Part("monitor", _snapshot),
)


@command(app, "maintain", writes=True, long=True, without=("plan", "plan_out"))
def maintain(
    session: Session,
    print_: Annotated[
        Literal["cron", "systemd"] | None,
        typer.Option("--print", help="Print the unit that runs it every month for this profile, and do nothing."),
    ] = None,
) -> Answer:
    """Do the monthly work: partitions ahead, archive, retention, erasure, a check of rows, a snapshot; one summary, the worst exit code.

    Off a terminal retention needs --yes. A part that fails doesn't keep the others from their work.

    Example:  [bold]rlops maintain --profile shop --yes[/bold]
    """
    if print_:
        return _printed(session, print_)
    began = time.monotonic()
    with ExitStack() as stack:
        db = stack.enter_context(session.connect(writes=True))
        _refuse_clone(db)
        if not session.common.dry_run:
            standing.refuse(db)
            stack.enter_context(lock.maintenance_lock(db))
        answers: list[tuple[Answer, float]] = []
        for part in PARTS:
            if answers and answers[-1][0].exit is Exit.INTERRUPTED:
                break
            session.screen.note(f"{part.command}:")
            started = time.monotonic()
            answer = _answer(_session_of(session, part, started - began), part)
            answers.append((answer, time.monotonic() - started))
    return _summary(session, answers)


def _answer(session: Session, part: Part) -> Answer:
    """What a part of it answers; a fault of rlops' own as a failure, since the others' work is to be told."""
    try:
        return answered(session, part.run)
    except Exception as error:
        problem = unexpected(error)
        return Answer(part.command, problem.exit, error=problem, dry_run=session.common.dry_run)


def _session_of(session: Session, part: Part, spent: float) -> Session:
    left = session.common.max_time
    changes: dict[str, Any] = {"long": part.long, "max_time": None if left is None else max(0.0, left - spent)}
    return session.part(part.command, **changes)


def _refuse_clone(db: Database) -> None:
    """Refuse a copy of the database that kept the original's configuration, by whose the archive on record is."""
    from rlops.archive import place

    if place.recorded(db):
        place.find(db, None)


def _summary(session: Session, answers: list[tuple[Answer, float]]) -> Answer:
    worst = min((answer.exit for answer, _ in answers), key=WORST.index)
    of = next(answer for answer, _ in answers if answer.exit is worst)
    steps = [_step(answer, seconds) for answer, seconds in answers]
    steps += [StepResult(part.command, "", "untouched") for part in PARTS[len(answers) :]]
    notes = [f"{answer.command}: {note}" for answer, _ in answers for note in _told(answer)]
    done = sum(answer.exit in (Exit.OK, Exit.FINDINGS) and answer.error is None for answer, _ in answers)
    headline = f"{done} of {len(PARTS)} parts done" + (
        "." if worst is Exit.OK else f"; `rlops {of.command}` ended with exit {int(worst)}, the worst of them."
    )
    following = (of.error.hint if of.error else of.next) if worst is not Exit.OK else "rlops monitor"
    data = {"parts": [_part(answer, seconds) for answer, seconds in answers]}
    return Answer(
        "maintain", worst, data, tuple(steps), session.common.dry_run, headline, tuple(notes), next=following or ""
    )


def _told(answer: Answer) -> list[str]:
    said = answer.error.message if answer.error else answer.headline
    return [line for line in (said, *answer.notes) if line]


def _step(answer: Answer, seconds: float) -> StepResult:
    status: StepStatus = "failed"
    if answer.exit is Exit.INTERRUPTED or (answer.exit is Exit.FINDINGS and answer.error):
        status = "stopped"
    elif answer.exit in (Exit.OK, Exit.FINDINGS):
        status = "planned" if answer.dry_run else "done"
    rows = next(
        (answer.data[key] for key in ("deleted_rows", "erased_rows", "archived_rows") if key in answer.data), None
    )
    error = answer.error.message if answer.error else None
    return StepResult(answer.command, "", status, rows=rows, seconds=seconds, error=error)


def _part(answer: Answer, seconds: float) -> Mapping[str, Any]:
    error = answer.error and {"code": answer.error.code, "message": answer.error.message, "hint": answer.error.hint}
    return {
        "command": answer.command, "exit_code": int(answer.exit), "status": answer.exit.status, "seconds": round(seconds, 3),
        "headline": answer.headline, "error": error, "data": answer.data,
    }  # fmt: skip


def _printed(session: Session, kind: Literal["cron", "systemd"]) -> Answer:
    profile = session.target.describe().get("profile")
    if not profile:
        raise Usage("--print writes the unit of a profile", "Name one of rlops.toml with --profile.", "no_profile")
    text = units.cron(profile) if kind == "cron" else units.systemd(profile)
    return Answer("maintain", data={"unit": text}, headline=text)
